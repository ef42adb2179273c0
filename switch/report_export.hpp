// `refund-switch export postgres`: transactions, postings and exceptions of the ledger into the schema
// `report` of a database, for people who ask with SQL. It reads the ledger of one machine whose switch is
// stopped, a backup, or a copy of the shard of its own: never what a commit waits for. Prints to standard
// output; errors as a sentence on standard error. Returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "switch/config/config.hpp"

namespace acquirer {

/// Where the schema lies.
struct ReportTarget {
    std::vector<std::string> hosts;  // HOST:PORT; whichever may be written is used
    std::string database = "report";
    std::string user = "report";
    std::string password_file;  // empty: none is asked for
    std::string tls_ca;         // empty: in clear
};

int export_report(const LoadedConfig& config, const std::string& data, const ReportTarget& to);

}  // namespace acquirer
