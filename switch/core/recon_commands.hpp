// What people ask about reconciliation (R101), as values (operator_command.hpp).
#pragma once

#include <cstdint>
#include <string>

namespace acquirer {

/// recon import (operator): a file that was handed over (file_commands.hpp) becomes an issuer's.
struct ImportIssuerFile {
    std::string digest;  // of the file's content
    std::string route;
    std::string name;  // of the file, without its folders
    std::string day;   // ISO date: the business day of lines without one; empty: none
};
/// recon run (operator): a business day is compared, over all routes whose files cover it.
struct RunReconciliation {
    std::string day;  // ISO date
};
/// recon resolve (supervisor): a person closes a difference.
struct ResolveDifference {
    std::string id;     // its RRN, its name, or the id of its exception
    std::string route;  // when it is open on several; else empty
    std::string note;
};

}  // namespace acquirer
