#include "iso8583/response_code.hpp"

namespace iso8583 {

namespace {

struct Row {
    std::string_view code;
    std::string_view text;
};

// clang-format off
constexpr Row rows[] = {
    {"00", "approved"},
    {"01", "refer to card issuer"},
    {"02", "refer to card issuer, special condition"},
    {"03", "invalid merchant"},
    {"04", "pick up card"},
    {"05", "do not honour"},
    {"06", "error"},
    {"07", "pick up card, special condition"},
    {"08", "honour with identification"},
    {"09", "request in progress"},
    {"10", "approved for partial amount"},
    {"11", "approved, VIP"},
    {"12", "invalid transaction"},
    {"13", "invalid amount"},
    {"14", "invalid card number"},
    {"15", "no such issuer"},
    {"17", "customer cancellation"},
    {"19", "re-enter transaction"},
    {"20", "invalid response"},
    {"21", "no action taken"},
    {"22", "suspected malfunction"},
    {"23", "unacceptable transaction fee"},
    {"25", "unable to locate record"},
    {"26", "duplicate file update record"},
    {"28", "file temporarily unavailable"},
    {"30", "format error"},
    {"31", "bank not supported by switch"},
    {"33", "expired card, pick up"},
    {"34", "suspected fraud, pick up"},
    {"35", "contact acquirer, pick up"},
    {"36", "restricted card, pick up"},
    {"38", "PIN tries exceeded, pick up"},
    {"39", "no credit account"},
    {"40", "requested function not supported"},
    {"41", "lost card"},
    {"42", "no universal account"},
    {"43", "stolen card"},
    {"44", "no investment account"},
    {"51", "insufficient funds"},
    {"52", "no cheque account"},
    {"53", "no savings account"},
    {"54", "expired card"},
    {"55", "incorrect PIN"},
    {"56", "no card record"},
    {"57", "transaction not permitted to cardholder"},
    {"58", "transaction not permitted to terminal"},
    {"59", "suspected fraud"},
    {"60", "contact acquirer"},
    {"61", "exceeds amount limit"},
    {"62", "restricted card"},
    {"63", "security violation"},
    {"64", "original amount incorrect"},
    {"65", "exceeds frequency limit"},
    {"66", "contact acquirer's security"},
    {"67", "hard capture"},
    {"68", "response received too late"},
    {"75", "PIN tries exceeded"},
    {"77", "sign on again"},
    {"90", "cut-over in process"},
    {"91", "issuer or switch inoperative"},
    {"92", "no route to destination"},
    {"93", "violation of law"},
    {"94", "duplicate transmission"},
    {"95", "reconcile error"},
    {"96", "system malfunction"},
    {"97", "terminal not known"},
    {"98", "no answer from the switch"},
    {"99", "PIN format error"},
    {"A0", "MAC verification failed"},
};
// clang-format on

}  // namespace

std::string_view response_code_text(std::string_view two) {
    for (const Row& row : rows)
        if (row.code == two) return row.text;
    return {};
}

}  // namespace iso8583
