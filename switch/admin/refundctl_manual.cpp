#include "switch/admin/refundctl_manual.hpp"

namespace acquirer::admin {

command_line::Manual refundctl_manual() {
    return {
        1,
        {"refundctl asks a running refund-switch over a Unix socket in its data directory, and shows the "
         "answer as tables, or as one line of JSON. Who may do what is decided by the switch: it knows the "
         "Unix user who asks, and gives each a role (viewer, operator, supervisor, security officer, admin). "
         "What moves money needs two people; the switch sees to that as well.",
         "Options may stand before or behind the command. A group of commands alone is its list: `refundctl "
         "routes` is `refundctl routes list`. ID is an RRN (DE37) or a case number. Amounts are typed and "
         "shown in major units with the currency's decimals, times are local to the switch and carry their "
         "offset, and of a card only the first six and the last four digits are shown.",
         "A list that is cut ends with the cursor behind which it goes on (--after). Tables are cut to 100 "
         "columns, or to the terminal's when it has more, and name what they left out."},
        {{"0", "done"}, {"1", "refused or failed"}, {"2", "usage"}, {"3", "the switch cannot be reached"}},
        {{"REFUNDCTL_SOCKET", "the control socket, when --socket is not given."},
         {"REFUNDCTL_NODES", "the nodes of a cluster, when --nodes is not given."},
         {"NO_COLOR", "no colours, when it is not empty; there are none without a terminal anyway."},
         {"PAGER",
          "shows what is longer than the terminal; less -FRX when it is not set, nothing when empty."}},
        {{"data/control.sock",
          "the control socket, when nothing else is said; control.sock in the switch's data directory."}},
        {{"refundctl status", "is everything well?"},
         {"refundctl find --pan-last4 0003 --amount 60.00", "what a customer asks about."},
         {"refundctl explain 632625280206", "why it was answered so."},
         {"refundctl refund open --rrn 632625280191 --date 1122 --amount 10.00 --reason promise --ref T-2041",
          "a refund without the card; it waits for a checker."},
         {"refundctl refund approve 632625280299", "the checker lets it go."},
         {"refundctl exceptions", "what a person must look at, with the command that leads out."},
         {"refundctl list --day 2026-11-22 --csv day.csv", "a day's transactions as a file."}},
        {"refund-switch(8)", "issuer-sim(1)", "hsm-sim(1)", "iso8583(1)", "switch-bench(1)"}};
}

}  // namespace acquirer::admin
