#include "hsm_sim/officers.hpp"

namespace hsm {

void Officers::note(std::string_view what, std::size_t officer) {
    journal_.set_who(officer == 0 ? "time" : "officer " + std::to_string(officer));
    journal_.key_operated({what, "authorised state", {}, std::nullopt});
}

std::string Officers::command(std::string_view line, std::int64_t now) {
    static constexpr std::string_view authorise_words[] = {"authorise 1 ", "authorise 2 "};
    for (std::size_t i = 0; i < officers_count; ++i)
        if (line.rfind(authorise_words[i], 0) == 0)
            return authorise(i + 1, line.substr(authorise_words[i].size()), now);
    if (line == "revoke") {
        present_since_ = {};
        open_until_.reset();
        if (engine_.authorised()) note("closed", 0);
        engine_.set_authorised(false);
        return "ok: the authorised state is closed";
    }
    if (line == "status") {
        if (!engine_.authorised()) return "ok: not authorised";
        if (!open_until_) return "ok: authorised";
        return "ok: authorised for " + std::to_string(*open_until_ - now) + " more seconds";
    }
    return "error: needs authorise 1 PASSPHRASE, authorise 2 PASSPHRASE, revoke or status";
}

std::string Officers::authorise(std::size_t officer, std::string_view passphrase, std::int64_t now) {
    if (!sealed_) return "error: the test LMK has no officers; start with --authorised";
    if (now < may_try_at_[officer - 1]) return "error: wait a few seconds after a wrong passphrase";
    if (!officer_knows(*sealed_, officer, passphrase)) {
        may_try_at_[officer - 1] = now + wait_after_wrong_seconds;
        journal_.set_who("officer " + std::to_string(officer));
        journal_.key_operated({"authorise", "authorised state", {}, HsmFault::not_authorised});
        return "error: that is not officer " + std::to_string(officer) + "'s passphrase";
    }
    note("authorise", officer);
    present_since_[officer - 1] = now;
    const auto& other = present_since_[officer == 1 ? 1 : 0];
    if (!other || now - *other > together_seconds_max)
        return "ok: officer " + std::to_string(officer) + " is present, the other has " +
               std::to_string(together_seconds_max) + " seconds";
    present_since_ = {};
    open_until_ = now + open_seconds_;
    engine_.set_authorised(true);
    note("opened", officer);
    return "ok: authorised for " + std::to_string(open_seconds_) + " seconds";
}

void Officers::tick(std::int64_t now) {
    if (!open_until_ || now < *open_until_) return;
    open_until_.reset();
    engine_.set_authorised(false);
    note("closed", 0);
}

}  // namespace hsm
