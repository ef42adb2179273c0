#include "switch/admin/party_requests.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/config/added_sections.hpp"
#include "switch/views/notice_views.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using ledger::PartyKind;

namespace {

iso8583::Result<OperatorCommand> addition(const Request& r, PartyKind kind, const std::string& id,
                                          PartyCheck& check, const std::string& user) {
    std::map<std::string, std::string> arguments(r.arguments.begin(), r.arguments.end());
    if (kind == PartyKind::merchant) arguments.erase("merchant");  // its id
    auto section = config::section_of(kind, id, arguments);
    if (!section) return tl::unexpected(section.error());
    AddParty command{kind, id, *section, id + config::words_of_section(kind, arguments)};
    const auto version = check.may_add({kind, id, *section, user, {}});
    if (!version) return tl::unexpected(version.error());
    command.config_version = *version;
    return command;
}

iso8583::Result<OperatorCommand> removal(PartyKind kind, const std::string& id, PartyCheck& check) {
    const auto version = check.may_remove(kind, id);
    if (!version) return tl::unexpected(version.error());
    return RemoveParty{kind, id, *version};
}

}  // namespace

std::optional<iso8583::Result<OperatorCommand>> party_change(const Request& r, PartyCheck* check,
                                                             const std::string& user) {
    const bool add = r.command == "merchants add" || r.command == "terminals add";
    if (!add && r.command != "merchants remove" && r.command != "terminals remove") return std::nullopt;
    if (check == nullptr) return parse_error("this switch has no configuration file");
    const PartyKind kind = r.command.starts_with("merchants") ? PartyKind::merchant : PartyKind::terminals;
    const std::string id = argument(r, kind == PartyKind::merchant ? "merchant" : "first");
    return add ? addition(r, kind, id, *check, user) : removal(kind, id, *check);
}

std::optional<ViewResult> party_read(const Request& r, const ViewContext& context) {
    if (r.command == "notices list") return view_notices(context, list_query(r), argument(r, "behind"));
    if (r.command == "merchants show") {
        const auto id = parsed<iso8583::MerchantId>(r, "merchant");
        return id ? view_merchant(context, *id) : iso8583::parse_error("merchant is needed");
    }
    if (r.command == "terminals show") {
        const auto id = parsed<iso8583::TerminalId>(r, "terminal");
        return id ? view_terminal(context, *id) : iso8583::parse_error("terminal is needed");
    }
    return std::nullopt;
}

}  // namespace acquirer::admin
