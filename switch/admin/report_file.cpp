#include "switch/admin/report_file.hpp"

#include "iso8583/values/joined_text.hpp"
#include "switch/admin/report_page.hpp"
#include "switch/admin/whole_file.hpp"

namespace acquirer::admin {

namespace {

/// As a person would type it again.
std::string typed(const Request& request) {
    std::string words = "refundctl " + request.command;
    for (const auto& [name, text] : request.arguments) words += iso8583::joined({" --", name, " ", text});
    return words;
}

}  // namespace

iso8583::Result<void> write_report_page(const std::string& file, const Request& request, const View& data) {
    return write_page(file, report_page(data, typed(request)));
}

}  // namespace acquirer::admin
