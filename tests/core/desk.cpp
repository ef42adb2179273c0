#include "tests/core/desk.hpp"

#include <algorithm>

#include "hsm_sim/test_keys.hpp"
#include "iso8583/tagged_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/audit_hash.hpp"
#include "ledger/ledger.hpp"

namespace desk {

using namespace acquirer;
using iso8583::Field;

namespace {

constexpr const char* merchant_unionpay = "898110157220001";
constexpr const char* merchant_iso = "898110157220002";

std::shared_ptr<Configuration> demo_configuration() {
    auto c = std::make_shared<Configuration>();
    c->zone = "Asia/Shanghai";
    c->time_zone = iso8583::TimeZone::fixed(8 * 3600);
    c->demo = true;
    c->currency = iso8583::Currency::of(156);
    c->limits.hsm_reply_timeout_ms = 2000;
    RefundPolicy policy;
    policy.repeat_refund_seconds = 0;
    const auto merchant = [&](const char* id, const RefundPolicy& refund, bool enabled = true) {
        MerchantConfig m;
        m.id = iso8583::MerchantId::parse(id).value();
        m.refund = refund;
        m.refund_enabled = enabled;
        c->merchants.emplace(m.id, m);
    };
    merchant(merchant_unionpay, policy);
    merchant(merchant_iso, policy);
    merchant("898110157220003", policy, false);
    RefundPolicy no_window = policy;
    no_window.window_days = 0;
    merchant("898110157220004", no_window);
    RefundPolicy limited = policy;
    limited.refund_amount_max = 50'000;
    limited.refunds_per_terminal_day_max = 5;
    merchant("898110157220005", limited);
    const auto range = [&](std::uint32_t first, std::uint32_t last, const char* id, Profile profile) {
        TerminalRange r;
        r.first = first;
        r.last = last;
        r.merchant = iso8583::MerchantId::parse(id).value();
        r.profile = profile;
        c->terminals.push_back(r);
    };
    range(10000001, 10000999, merchant_unionpay, Profile::unionpay_pos);
    range(20000001, 20000999, merchant_iso, Profile::iso87);
    range(30000001, 30000009, "898110157220003", Profile::unionpay_pos);
    range(40000001, 40000009, "898110157220004", Profile::unionpay_pos);
    range(50000001, 50000009, "898110157220005", Profile::unionpay_pos);

    routing::Route a;
    a.id = Desk::a;
    a.name = "issuer-a";
    a.refund_mode = routing::RefundMode::advice;
    a.void_mode = routing::VoidMode::reversal_0420;
    a.link_group = "a";
    a.reply_timeout_ms = 5000;
    a.not_found_quarantine_ms = 5000;
    routing::Route b = a;
    b.id = Desk::b;
    b.name = "issuer-b";
    b.dialect = "iso87-bcd";
    b.link_group = "b";
    b.refund_mode = routing::RefundMode::online;
    b.void_mode = routing::VoidMode::online_0200;
    routing::Route w = a;
    w.id = Desk::w;
    w.name = "issuer-w";
    w.link_group = "w";
    w.kind = routing::RouteKind::wallet;
    w.wallet.poll_seconds = 30;
    w.wallet.spacing_seconds = 0;
    c->routes = routing::RouteTable::build({a, b, w},
                                           {{"621234", "621299", {Desk::a}}, {"400000", "499999", {Desk::b}}},
                                           {{"wechat", "10", "15", 18, 18, {Desk::w}},
                                            {"alipay", "25", "30", 16, 24, {Desk::w}},
                                            {"unionpay_qr", "62", "62", 19, 19, {Desk::b}}})
                    .value();
    IssuerKeys keys;
    keys.zak = hsm::KeyBlock::parse(hsm::test_keys::zak).value();
    keys.zmk = hsm::KeyBlock::parse(hsm::test_keys::zmk).value();
    keys.zpk = hsm::KeyBlock::parse("U22EB30F2EA59A1A842FB5D1DF393237F").value();
    c->issuer_keys[Desk::a] = keys;
    c->issuer_keys[Desk::b] = keys;
    c->issuer_keys[Desk::w] = keys;
    return c;
}

}  // namespace

Desk::Desk(const std::function<void(Configuration&)>& adjust, iso8583::UtcTime begin,
           ledger::NumberPlan numbers)
    : configuration(demo_configuration()), numbers_(std::move(numbers)), vault_(vault_file) {
    if (adjust) adjust(*configuration);
    now_.instant = {1'000'000};
    set_clock(begin);
    start();
    link(a, true);
    link(b, true);
}

void Desk::start() {
    overlay_ = std::make_unique<ledger::Overlay>(store_);
    vault_ = ledger::PanVault(vault_file);
    core_ = std::make_unique<SwitchCore>(configuration, *overlay_, vault_, &ledger::audit_sha256, numbers_);
    turn_ = std::make_unique<Turn>(*core_, *overlay_, store_, [this] {
        if (turn_ && !disk_is_slow_) turn_->sync_has_ended();
    });
    core_->comes_from(comes_from_);
    auto recovered = core_->recover(now_);
    ENSURE(recovered.has_value());
    turn_->offer_recovered(std::move(*recovered));
    run();
}

void Desk::restart(bool links_up) {
    inbox_.clear();
    store_.crash(0);
    links_.clear();
    start();
    if (!links_up) return;
    link(a, true);
    link(b, true);
}

void Desk::restore(ledger::MemoryStore& backup, const ledger::BackupMark& mark, bool links_up) {
    inbox_.clear();
    links_.clear();
    turn_.reset();
    core_.reset();
    overlay_.reset();
    store_ = std::move(*backup.copy_durable());
    comes_from_ = mark;
    start();
    if (!links_up) return;
    link(a, true);
    link(b, true);
}

void Desk::offer(const Event& event) {
    inbox_.push_back(event);
    run();
}

void Desk::run() {
    const auto hand_on = [this](const Effect& e) { perform(e); };
    do {
        while (!inbox_.empty()) {
            Event event = std::move(inbox_.front());
            inbox_.pop_front();
            turn_->offer(std::move(event), now_);
        }
        turn_->pump(now_, hand_on);
        // What waits for the lease waits until the next event.
    } while (!inbox_.empty() ||
             (!turn_->idle() && !disk_is_slow_ && (store_.may_answer() || turn_->syncing())));
    ENSURE(!turn_->failed());
}

void Desk::pass(std::int64_t ms) {
    const iso8583::Instant end = now_.instant.plus_ms(ms);
    while (core_->next_deadline() && *core_->next_deadline() <= end) {
        const std::int64_t step = std::max<std::int64_t>(0, core_->next_deadline()->ms - now_.instant.ms);
        now_.instant = now_.instant.plus_ms(step);
        set_clock(now_.utc.plus_ms(step));
        turn_->pass_deadlines(now_);
        run();
    }
    set_clock(now_.utc.plus_ms(end.ms - now_.instant.ms));
    now_.instant = end;
}

void Desk::set_clock(iso8583::UtcTime utc) {
    now_.utc = utc;
    now_.local_offset_s = configuration->time_zone.offset_s(utc);
}

void Desk::perform(const Effect& effect) {
    if (const auto* send = std::get_if<SendReply>(&effect)) {
        Answer answer;
        answer.fields = send->fields;
        answer.code = send->fields.get(Field::response_code);
        answer.rrn = send->fields.get(Field::rrn);
        answer.authorization = send->fields.get(Field::authorization_code);
        answer.text = send->fields.get(Field::additional_response_data);
        answer.to = send->to;
        answer.sign_on_again = send->sign_on_again;
        answers.push_back(std::move(answer));
    } else if (const auto* message = std::get_if<SendToIssuer>(&effect)) {
        sent.push_back({message->route, message->link, message->fields, message->mac});
        const Sent copy = sent.back();
        const Does does = issuer(copy);
        if (does.kind != Does::Kind::silent && copy.fields.mti().is_request()) reply(copy, does);
    } else if (const auto* question = std::get_if<AskHsm>(&effect)) {
        if (hsm)
            if (auto answer = hsm(question->request))
                inbox_.push_back(HsmAnswered{question->ticket, *answer});
    } else if (const auto* install = std::get_if<InstallKeys>(&effect)) {
        keys = install->keys;
    } else if (const auto* issuer_install = std::get_if<InstallIssuerKeys>(&effect)) {
        issuer_zaks[issuer_install->route] = issuer_install->zaks;
    } else if (const auto* answer = std::get_if<AnswerOperator>(&effect)) {
        operator_answers_.push_back(answer->answer);
    } else if (const auto* wanted = std::get_if<MakeBackup>(&effect)) {
        backups_wanted.push_back(*wanted);
    } else if (const auto* make = std::get_if<MakeVaultKey>(&effect)) {
        make_vault_key(*make);
    } else if (const auto* wipe = std::get_if<WipeVaultKey>(&effect)) {
        wipe_vault_key(*wipe);
    } else if (const auto* tell = std::get_if<TellShards>(&effect)) {
        told.push_back(tell->word);
    } else if (const auto* policy = std::get_if<ApplyPolicy>(&effect)) {
        policies_wanted.push_back(*policy);
    } else if (const auto* write = std::get_if<WriteNotices>(&effect)) {
        if (notices_fault.empty())
            notices.insert(notices.end(), write->notices.begin(), write->notices.end());
        inbox_.push_back(NoticesWritten{write->notices.back().number, notices_fault});
    } else if (std::holds_alternative<PartiesChanged>(effect)) {
        ++parties_changed;
    } else if (const auto* note = std::get_if<Note>(&effect)) {
        notes.push_back(*note);
    }
}

void Desk::reply(const Sent& to, const Does& does) {
    IssuerReply back;
    back.mti = *to.fields.mti().response();
    back.stan = iso8583::Stan::parse(to.fields.get(Field::stan)).value();
    back.transmission_time =
        iso8583::TransmissionTime::parse(to.fields.get(Field::transmission_time)).value();
    const std::string code = does.kind == Does::Kind::decline && does.code == "00" ? "05" : does.code;
    back.code = iso8583::ResponseCode::of(code);
    if (code == "00" && back.mti.message_class() <= 2)
        back.authorization =
            iso8583::AuthorizationCode::parse(!does.authorization.empty()
                                                  ? does.authorization
                                                  : "A" + std::string(to.fields.get(Field::rrn).substr(7)))
                .value();
    if (back.mti.message_class() == 8) {
        inbox_.push_back(IssuerReplyArrived{to.route, to.link, back, does.mac});
        return;
    }
    back.rrn = iso8583::Rrn::parse(to.fields.get(Field::rrn)).value();
    back.additional_data = does.additional_data;
    if (!does.terminal.empty()) back.terminal = iso8583::TerminalId::parse(does.terminal).value();
    back.amount_minor = does.other_amount ? *does.other_amount
                                          : std::stoll(std::string(to.fields.get(Field::amount_transaction)));
    back.additional_amounts = does.additional_amounts;
    inbox_.push_back(IssuerReplyArrived{to.route, to.link, back, does.mac});
}

void Desk::link(routing::RouteId route, bool up, std::uint64_t number) {
    if (up) {
        const LinkId id{number != 0 ? number : ++next_link_};
        links_[route.value] = id;
        offer(IssuerLinkUp{route, id});
    } else {
        offer(IssuerLinkDown{route, links_.at(route.value), "test"});
    }
}

std::size_t Desk::count_sent(const std::string& mti) const {
    return static_cast<std::size_t>(
        std::count_if(sent.begin(), sent.end(), [&](const Sent& s) { return s.mti() == mti; }));
}
const Sent& Desk::last_sent(const std::string& mti) const {
    const auto at = std::find_if(sent.rbegin(), sent.rend(), [&](const Sent& s) { return s.mti() == mti; });
    ENSURE(at != sent.rend());
    return *at;
}

namespace {

struct Shape {
    int unionpay_mti, iso_mti;
    const char* unionpay_code;
    const char* iso_code;
    const char* message_type;
    const char* network_code;
};

Shape shape_of(What what) {
    switch (what) {
        case What::sale:
            return {200, 200, "000000", "000000", "22", "000"};
        case What::void_sale:
            return {200, 200, "200000", "020000", "23", "000"};
        case What::refund:
            return {220, 200, "200000", "200000", "25", "000"};
        case What::authorization:
            return {100, 100, "030000", "030000", "10", "000"};
        case What::void_authorization:
            return {100, 100, "200000", "020000", "11", "000"};
        case What::completion:
            return {200, 220, "000000", "000000", "20", "000"};
        case What::completion_advice:
            return {220, 220, "000000", "000000", "24", "000"};
        case What::settlement:
            return {500, 500, "", "", "00", "201"};
        case What::upload:
            return {320, 320, "", "", "00", "201"};
        case What::upload_end:
            return {320, 320, "", "", "00", "202"};
        case What::sign_on:
            return {800, 800, "", "", "00", "003"};
        case What::sign_off:
            return {820, 800, "", "", "00", "002"};
        case What::echo:
            return {820, 800, "", "", "00", "301"};
        case What::reversal:
            break;
    }
    ENSURE(false);
}

iso8583::FieldValues fields_of(const Ask& ask) {
    const bool reversal = ask.what == What::reversal;
    const Shape s = shape_of(reversal ? ask.of : ask.what);
    int mti = reversal ? 400 : ask.iso ? s.iso_mti : s.unionpay_mti;
    if (ask.repeat) ++mti;
    iso8583::FieldValues f(iso8583::Mti::of(mti));
    const auto set = [&](Field field, const std::string& value) {
        if (!value.empty()) f.set(field, value);
    };
    const bool money = ask.what == What::sale || ask.what == What::void_sale || ask.what == What::refund ||
                       ask.what == What::authorization || ask.what == What::void_authorization ||
                       ask.what == What::completion || ask.what == What::completion_advice || reversal;
    if (money) {
        set(Field::pan, ask.card);
        set(Field::processing_code, ask.iso ? s.iso_code : s.unionpay_code);
        set(Field::amount_transaction, ask.amount);
        set(Field::pos_entry_mode, ask.entry_mode);
        set(Field::pos_condition_code, "00");
        set(Field::rrn, ask.rrn);
        set(Field::authorization_code, ask.authorization);
        set(Field::pin_data, ask.pin);
        if (reversal) set(Field::response_code, "98");
    }
    set(Field::stan, ask.trace);
    set(Field::terminal, !ask.terminal.empty() ? ask.terminal : ask.iso ? "20000001" : "10000001");
    set(Field::merchant, !ask.merchant.empty() ? ask.merchant : ask.iso ? merchant_iso : merchant_unionpay);
    if (money || ask.what == What::settlement) set(Field::currency_transaction, ask.currency);
    set(Field::additional_data, ask.de48);
    std::string wallet;
    if (!ask.code.empty()) wallet += iso8583::tagged_text("A3", ask.code);
    if (!ask.order.empty()) wallet += iso8583::tagged_text("A4", ask.order);
    set(ask.iso ? Field::additional_data : iso8583::field(59), wallet);
    set(Field::local_time, ask.local_time);
    if (ask.iso) {
        set(Field::transmission_time, ask.time);
        if (!ask.original_trace.empty())
            set(Field::original_data, "0200" + ask.original_trace +
                                          (ask.original_time.empty() ? "0000000000" : ask.original_time) +
                                          std::string(22, '0'));
        if (ask.what == What::sign_on || ask.what == What::sign_off || ask.what == What::echo)
            set(Field::network_management_code, ask.what == What::echo       ? "301"
                                                : ask.what == What::sign_off ? "002"
                                                                             : "001");
    } else {
        set(Field::reserved_private_60, std::string(s.message_type) + ask.batch +
                                            (ask.what == What::sign_on ? ask.network : s.network_code) +
                                            (ask.partial ? "501" : ""));
        if (!ask.original_batch.empty() || !ask.date.empty())
            set(Field::reserved_private_61, (ask.original_batch.empty() ? "000000" : ask.original_batch) +
                                                (ask.original_trace.empty() ? "000000" : ask.original_trace) +
                                                ask.date);
    }
    return f;
}

}  // namespace

std::optional<Answer> Desk::ask(const Ask& question) {
    RequestArrived event;
    event.from.link = LinkId{question.link};
    event.from.peer = PeerAddress(question.peer);
    event.verified_here = question.verified_here;
    event.from.profile = question.iso ? Profile::iso87 : Profile::unionpay_pos;
    event.mac = question.what == What::sign_on ? MacState::not_needed : question.mac;
    event.key_version = question.iso || event.mac != MacState::verified ? 0 : question.key_version;
    auto request = parse_terminal_request(event.from.profile, fields_of(question),
                                          {question.format_fault, false}, configuration->currency);
    ENSURE(request.has_value());
    event.request = std::move(*request);
    const std::size_t before = answers.size();
    offer(event);
    for (std::size_t i = before; i < answers.size(); ++i)
        if (answers[i].to.link.value == question.link && answers[i].fields.get(Field::stan) == question.trace)
            return answers[i];
    return std::nullopt;
}

std::string Desk::next_trace() {
    std::string t = std::to_string(++trace_);
    return std::string(6 - t.size(), '0') + t;
}

Answer Desk::sale(const std::string& card, const std::string& amount, bool iso) {
    Ask s;
    s.iso = iso;
    s.trace = next_trace();
    s.card = card;
    s.amount = amount;
    auto answer = ask(s);
    ENSURE(answer.has_value() && answer->code == "00");
    return *answer;
}

Ask Desk::refund_of(const Answer& sale, const std::string& amount, const std::string& card) {
    Ask r;
    r.what = What::refund;
    r.iso = sale.to.profile == Profile::iso87;
    r.trace = next_trace();
    r.amount = amount;
    r.card = card;
    r.rrn = sale.rrn;
    r.date = sale.fields.get(Field::local_date);
    return r;
}

Ask Desk::void_of(const Answer& sale, const std::string& card, const std::string& amount) {
    Ask v = refund_of(sale, amount, card);
    v.what = What::void_sale;
    v.original_batch = "000001";
    v.original_trace = v.iso ? "" : std::string(sale.fields.get(Field::stan));
    if (v.iso) v.original_batch.clear();
    return v;
}

Ask Desk::reversal_of(const Ask& original) {
    Ask r = original;
    r.what = What::reversal;
    r.of = original.what;
    r.rrn.clear();
    r.pin.clear();
    if (original.iso) {
        r.original_trace = original.trace;
        r.original_time = original.time;
        r.trace = next_trace();
        r.time = "1121040030";
    }
    return r;
}

constexpr int answered_within_ms = 1'000;

OperatorAnswer Desk::operate(OperatorCommand command, const std::string& user, Role role) {
    operator_answers_.clear();
    offer(OperatorCommanded{++tickets_, user, role, std::move(command)});
    // What reads a file answers when it has read it.
    for (int ms = 0; operator_answers_.empty() && ms < answered_within_ms; ++ms) pass(1);
    ENSURE(!operator_answers_.empty());
    const OperatorAnswer answer = operator_answers_.back();
    operator_answers_.clear();
    return answer;
}

void Desk::slow_disk(bool slow) {
    if (disk_is_slow_ && !slow && turn_->syncing()) turn_->sync_has_ended();
    disk_is_slow_ = slow;
    run();
}

void Desk::accept_new_work(bool accepts) { offer(StoreHealthChanged{accepts ? "" : "disk nearly full"}); }

ledger::TransactionRecord Desk::record(const std::string& rrn) const {
    auto stored =
        store_.get(ledger::Family::journal, ledger::transaction_key(iso8583::Rrn::parse(rrn).value()));
    ENSURE(stored.has_value() && stored->has_value());
    return ledger::decode_transaction_record(**stored).value();
}

std::vector<ledger::ExceptionRecord> Desk::exceptions(const std::string& kind) const {
    std::vector<ledger::ExceptionRecord> all;
    const auto range = ledger::all_keys(ledger::KeyPrefix::exception);
    auto done = store_.scan(ledger::Family::journal, range.from, range.to,
                            [&](std::string_view, std::string_view value) {
                                auto x = ledger::decode_exception(value).value();
                                if (kind.empty() || x.kind == kind) all.push_back(std::move(x));
                                return true;
                            });
    ENSURE(done.has_value());
    return all;
}

}  // namespace desk
