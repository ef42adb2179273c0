#include "bench/load_ledger.hpp"

namespace bench {

LedgerAnswer ask_ledger(const std::string& control_socket) {
    LedgerAnswer answer;
    answer.why =
        control_socket.empty() ? "no control socket was named" : "the socket gives no totals to this program";
    return answer;
}

}  // namespace bench
