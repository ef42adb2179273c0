#include "iso8583/processing_code.hpp"

#include <fmt/format.h>

#include "iso8583/values/bytes.hpp"

namespace iso8583 {

Result<ProcessingCode> ProcessingCode::parse(std::string_view text) {
    if (text.size() != 6 || !all_digits(text)) return parse_error("DE3: 6 digits are needed");
    ProcessingCode out;
    for (char c : text) out.value_ = out.value_ * 10 + (c - '0');
    return out;
}

TransactionKind ProcessingCode::kind() const {
    const int type = transaction_type();
    if (type >= 30 && type <= 39) return TransactionKind::balance_inquiry;
    if (type >= 40 && type <= 49) return TransactionKind::transfer;
    if (type == 0) return TransactionKind::purchase;
    if (type == 1) return TransactionKind::withdrawal;
    if (type == 2) return TransactionKind::void_of_sale;
    if (type == 3) return TransactionKind::pre_authorization;
    if (type == 20) return TransactionKind::refund;
    if (type == 21) return TransactionKind::deposit;
    if (type == 22) return TransactionKind::void_of_refund;
    return TransactionKind::other;
}

std::string ProcessingCode::str() const { return fmt::format("{:06}", value_); }

std::string_view name_of(TransactionKind kind) {
    switch (kind) {
        case TransactionKind::purchase:
            return "purchase";
        case TransactionKind::withdrawal:
            return "withdrawal";
        case TransactionKind::void_of_sale:
            return "void of a sale";
        case TransactionKind::pre_authorization:
            return "pre-authorization";
        case TransactionKind::refund:
            return "refund";
        case TransactionKind::deposit:
            return "deposit";
        case TransactionKind::void_of_refund:
            return "void of a refund";
        case TransactionKind::balance_inquiry:
            return "inquiry";
        case TransactionKind::transfer:
            return "transfer";
        case TransactionKind::other:
            return "other";
    }
    return "";
}

}  // namespace iso8583
