#include "switch/admin/base64.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/admin/store_requests.hpp"

namespace acquirer::admin {

namespace {

/// As the list of proposals shows them: what is cut says so.
std::string joined(const std::vector<std::string>& differences) {
    constexpr std::size_t characters_max = 4'000;
    std::string all;
    for (const std::string& line : differences) {
        if (all.size() + line.size() > characters_max) return all + "; and more: policy check shows all";
        all += (all.empty() ? "" : "; ") + line;
    }
    return all;
}

View lines_of(const std::vector<std::string>& lines, const char* name) {
    View list = View::list();
    for (const std::string& line : lines) list.add(View::object().put(name, line));
    return list;
}

}  // namespace

std::optional<OperatorCommand> store_change(const Request& r) {
    if (r.command == "backups begin") return BackUp{argument(r, "directory")};
    if (r.command == "accept-restore") return AcceptRestore{argument(r, "note")};
    if (r.command == "vault rotate") return RotateVaultKey{argument(r, "note")};
    if (r.command == "vault retire") {
        RetireVaultKey retire{0, argument(r, "note")};
        const std::string number = argument(r, "key");
        std::from_chars(number.data(), number.data() + number.size(), retire.number);
        return retire;
    }
    return std::nullopt;
}

std::optional<ViewResult> store_read(const Request& r, const ViewContext& context) {
    if (r.command == "backups last") return view_last_backup(context);
    if (r.command == "vault status") return view_vault(context);
    if (r.command == "policy show") return view_policy(context, parsed<iso8583::MerchantId>(r, "merchant"));
    // Answered before it comes here where somebody knows the files (OperatorsControl::judge_policies_by).
    if (r.command == "policy judge" || r.command == "policy propose")
        return iso8583::parse_error("this switch reads no policies");
    return std::nullopt;
}

std::string policy_text(const Request& r) { return parse_base64(argument(r, "content")).value_or(""); }

View preview_view(const PolicyPreview& preview) {
    View view = View::object();
    view.put("version", preview.version).put("in_force", preview.in_force);
    view.put("changes", preview.differences.size())
        .put("differences", lines_of(preview.differences, "difference"));
    if (!preview.absent.empty()) view.put("left_out", lines_of(preview.absent, "party"));
    return view;
}

ProposePolicy proposal_of(const Request& r, const PolicyPreview& preview) {
    return {policy_text(r), preview.version, preview.in_force, joined(preview.differences),
            argument(r, "note")};
}

}  // namespace acquirer::admin
