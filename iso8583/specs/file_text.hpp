// The text of a dialect file as UTF-8, whatever it was written in.
#pragma once

#include <string>
#include <string_view>

namespace iso8583::specs {

struct FileText {
    std::string utf8;
    std::string note;     // how it was read, when it is not UTF-8 and does not say what it is
    std::string problem;  // it says an encoding that it is not of, or that is not known
};

/// A byte order mark tells, then `declared` (the encoding an XML file names, or nothing); else UTF-8, and
/// what is none is read as GBK when all its bytes above 7F stand in pairs of GB 2312, or as Latin-1.
FileText file_text(std::string_view bytes, const std::string& declared = {});

/// The encoding that the XML declaration names; empty when it names none.
std::string declared_xml_encoding(std::string_view bytes);

}  // namespace iso8583::specs
