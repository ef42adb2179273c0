#include "switch/admin/report_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "switch/admin/report_page.hpp"

namespace acquirer::admin {

namespace {

/// As a person would type it again.
std::string typed(const Request& request) {
    std::string words = "refundctl " + request.command;
    for (const auto& [name, text] : request.arguments) words += " --" + name + " " + text;
    return words;
}

iso8583::Result<void> failed(const std::string& file) {
    return iso8583::parse_error(file + " cannot be written: " + std::strerror(errno));
}

}  // namespace

iso8583::Result<void> write_report_page(const std::string& file, const Request& request, const View& data) {
    const std::string page = report_page(data, typed(request));
    std::FILE* out = std::fopen(file.c_str(), "wb");
    if (out == nullptr) return failed(file);
    const bool written = std::fwrite(page.data(), 1, page.size(), out) == page.size();
    // A full disk often shows at the close alone.
    if (std::fclose(out) != 0 || !written) return failed(file);
    return {};
}

}  // namespace acquirer::admin
