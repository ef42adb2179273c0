// Which classes, types and encodings of the other formats are read, and as what: the tables of
// docs/dialects.md, by the readers' own rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace iso8583::specs {

struct ClassAnswer {
    std::string_view name;
    bool read = false;
    std::string what;  // as what it is read, or why it is not
};

/// Field packagers of jPOS.
std::vector<ClassAnswer> jpos_classes();
/// What may stand as packager="…" in an isofieldpackager.
std::vector<ClassAnswer> jpos_packagers();
/// "type", "enc" and "prefix" of moov-io/iso8583 specs.
std::vector<ClassAnswer> moov_types();
std::vector<ClassAnswer> moov_encodings();
std::vector<ClassAnswer> moov_prefixes();

}  // namespace iso8583::specs
