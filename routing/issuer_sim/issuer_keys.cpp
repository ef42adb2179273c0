// Key change by 0800 with DE70 161, in both directions. DE48 is "ZAK" or "ZPK", then the key under the ZMK as
// host commands write it; the 0810's DE48 is its check value.
#include <fmt/format.h>

#include "routing/issuer_sim/issuer_model.hpp"

namespace routing {

using iso8583::Field;
using iso8583::ResponseCode;

namespace {

constexpr std::size_t kind_letters = 3;
constexpr std::string_view key_change_code = "161";

}  // namespace

void IssuerModel::put_zak(std::size_t place, const hsm::KeyBlock& zak) {
    std::get<hsm::VerifyMac>(verify_[place]).key = zak;
    std::get<hsm::GenerateMac>(generate_[place]).key = zak;
}

void IssuerModel::install_zak(hsm::KeyBlock zak) {
    for (std::size_t place = issuer_keys_before; place > key_current; --place)
        put_zak(place, std::get<hsm::VerifyMac>(verify_[place - 1]).key);
    put_zak(key_current, zak);
    config_.zak = std::move(zak);
    ++key_changes_;
}

void IssuerModel::install_zpk(hsm::KeyBlock zpk) {
    zpks_before_.insert(zpks_before_.begin(), std::exchange(config_.zpk, std::move(zpk)));
    if (zpks_before_.size() > issuer_keys_before) zpks_before_.pop_back();
    ++key_changes_;
}

IssuerKeyState IssuerModel::key_state() const {
    IssuerKeyState state;
    for (std::size_t place = key_current; place < key_offered; ++place)
        if (const auto& key = std::get<hsm::VerifyMac>(verify_[place]).key; !key.empty())
            state.zaks.push_back(key);
    if (!config_.zpk.empty()) state.zpks.push_back(config_.zpk);
    state.zpks.insert(state.zpks.end(), zpks_before_.begin(), zpks_before_.end());
    return state;
}

void IssuerModel::restore_keys(const IssuerKeyState& state) {
    for (std::size_t place = key_current; place < key_offered; ++place)
        put_zak(place, place < state.zaks.size() ? state.zaks[place] : hsm::KeyBlock{});
    config_.zak = state.zaks.front();
    if (state.zpks.empty()) return;
    config_.zpk = state.zpks.front();
    zpks_before_.assign(state.zpks.begin() + 1, state.zpks.end());
}

/// The request's MAC has to be right: who could not make one before may not give us a key.
ResponseCode IssuerModel::on_key_change(std::string& check_value) {
    const std::string content = message_.get(Field::additional_data);
    const std::string kind = content.substr(0, kind_letters);
    if (config_.zmk.empty()) return ResponseCode::of("40");
    if (!answer_key_) return ResponseCode::of("63");
    if ((kind != "ZAK" && kind != "ZPK") || content.size() <= kind_letters) return ResponseCode::of("30");
    const hsm::KeyKind what = kind == "ZAK" ? hsm::KeyKind::zak : hsm::KeyKind::zpk;
    // Both at once would leave the two sides with different keys.
    if (own_key_change_ && own_key_change_->kind == what) return ResponseCode::of("09");
    const hsm::Reply reply =
        engine_.perform(hsm::ImportZoneKey{what, config_.zmk, content.substr(kind_letters)});
    if (!reply) return ResponseCode::of("12");
    const auto& key = std::get<hsm::ZoneKey>(*reply);
    check_value = iso8583::to_hex(key.kcv);
    // The same key again: our 0810 was lost, and the key before must stay valid.
    const hsm::Reply now_used =
        engine_.perform(hsm::CheckKey{what, what == hsm::KeyKind::zak ? config_.zak : config_.zpk});
    if (now_used && std::get<hsm::KeyChecked>(*now_used).kcv == key.kcv) return ResponseCode::of("00");
    if (what == hsm::KeyKind::zpk) {
        install_zpk(key.under_lmk);
    } else {
        install_zak(key.under_lmk);
        // The answer still goes under the key that verified the request, which is one place further now.
        answer_key_ = *answer_key_ + 1 < key_offered ? *answer_key_ + 1 : key_current;
    }
    return ResponseCode::of("00");
}

/// An 0800 of ours. The same kind again, while no answer has come, offers the same key again.
std::string IssuerModel::offer_key(hsm::KeyKind kind, iso8583::UtcTime now,
                                   std::vector<IssuerAction>& actions) {
    if (config_.zmk.empty()) return "error: this issuer has no ZMK (keys.zmk)";
    if (kind == hsm::KeyKind::zpk && config_.zpk.empty()) return "error: this issuer has no ZPK (keys.zpk)";
    if (own_key_change_ && own_key_change_->kind != kind)
        return "error: the switch has not answered the change of the other key yet";
    if (!own_key_change_) {
        const hsm::Reply made = engine_.perform(hsm::GenerateZoneKey{kind, config_.zmk});
        if (!made) return "error: the HSM makes no key: " + std::string(hsm::name(made.error()));
        const auto& key = std::get<hsm::ZoneKey>(*made);
        own_key_change_ = OwnKeyChange{kind, key.under_lmk, key.under_zmk, {}, {}};
        if (kind == hsm::KeyKind::zak) put_zak(key_offered, key.under_lmk);
    }
    last_stan_ = last_stan_ % iso8583::Stan::value_max + 1;
    own_key_change_->stan = iso8583::Stan::of(last_stan_).str();
    own_key_change_->transmission_time = iso8583::TransmissionTime::from_utc(now).str();
    answer_.clear(iso8583::Mti::of(800));
    answer_.set(Field::transmission_time, own_key_change_->transmission_time);
    answer_.set(Field::stan, own_key_change_->stan);
    answer_.set(Field::additional_data, std::string(hsm::name(kind)) + own_key_change_->under_zmk);
    answer_.set(Field::network_management_code, key_change_code);
    answer_key_ = key_current;
    if (!encode_with_mac(false)) return "error: the 0800 cannot be written in this dialect";
    actions.emplace_back(SendRequest{encoded_.body});
    return "ok";
}

void IssuerModel::take_over_own_key() {
    OwnKeyChange change = std::move(*own_key_change_);
    own_key_change_.reset();
    put_zak(key_offered, {});
    if (change.kind == hsm::KeyKind::zak)
        install_zak(std::move(change.key));
    else
        install_zpk(std::move(change.key));
}

void IssuerModel::on_key_change_answer() {
    ++stats_.network;
    if (!answer_key_) {
        ++stats_.mac_wrong;
        return;
    }
    // Taken over already when the answer itself was under the new key.
    if (!own_key_change_ || message_.get(Field::stan) != own_key_change_->stan ||
        message_.get(Field::transmission_time) != own_key_change_->transmission_time)
        return;
    const std::string code = message_.get(Field::response_code);
    if (code == "00") {
        take_over_own_key();
        return;
    }
    // Busy with another change, or without an HSM: nothing is decided, ours stays offered.
    if (code == "09" || code == "96") return;
    own_key_change_.reset();
    put_zak(key_offered, {});
}

std::string IssuerModel::keys_json() const {
    const auto kcv = [this](hsm::KeyKind kind, const hsm::KeyBlock& key) {
        if (key.empty()) return std::string();
        const hsm::Reply reply = engine_.perform(hsm::CheckKey{kind, key});
        return reply ? iso8583::to_hex(std::get<hsm::KeyChecked>(*reply).kcv) : std::string();
    };
    return fmt::format(R"({{"zak":"{}","zpk":"{}","changes":{},"offered":{}}})",
                       kcv(hsm::KeyKind::zak, config_.zak), kcv(hsm::KeyKind::zpk, config_.zpk), key_changes_,
                       own_key_change_ ? "true" : "false");
}

}  // namespace routing
