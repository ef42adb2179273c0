#include "bench/core_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "iso8583/values/ensure.hpp"
#include "ledger/audit_hash.hpp"

namespace bench {

using namespace acquirer;
using iso8583::Field;

namespace {

constexpr const char* merchant = "898110157220001";

ConfigurationPtr configuration(routing::RefundMode mode) {
    auto c = std::make_shared<Configuration>();
    c->currency = iso8583::Currency::of(156);
    MerchantConfig m;
    m.id = iso8583::MerchantId::parse(merchant).value();
    m.refund.repeat_refund_seconds = 0;
    c->merchants.emplace(m.id, m);
    TerminalRange range;
    range.first = first_terminal;
    range.last = first_terminal + core_bench_terminals;
    range.merchant = m.id;
    c->terminals.push_back(range);
    routing::Route route;
    route.id = {1};
    route.name = route.link_group = "issuer";
    route.refund_mode = mode;
    route.in_flight_max = 65'536;
    route.advices_in_flight_max = 4096;
    c->routes = routing::RouteTable::build({route}, {{"400000", "499999", {route.id}}}).value();
    return c;
}

RequestArrived arrived(iso8583::FieldValues f, std::uint64_t link) {
    RequestArrived event;
    event.from.link = {link};
    event.mac = MacState::verified;
    event.key_version = 1;
    event.request =
        parse_terminal_request(Profile::unionpay_pos, std::move(f), {}, iso8583::Currency::of(156)).value();
    return event;
}

iso8583::FieldValues transaction(std::uint16_t mti, std::uint32_t trace, std::uint32_t terminal,
                                 std::string_view card, std::int64_t amount) {
    iso8583::FieldValues f(iso8583::Mti::of(mti));
    f.set(Field::pan, std::string(card));
    f.set(Field::amount_transaction, fmt::format("{:012}", amount));
    f.set(Field::stan, fmt::format("{:06}", trace));
    f.set(Field::pos_entry_mode, "051");
    f.set(Field::pos_condition_code, "00");
    f.set(Field::terminal, std::to_string(terminal));
    f.set(Field::merchant, merchant);
    f.set(Field::currency_transaction, "156");
    return f;
}

}  // namespace

RequestArrived core_bench_sale(std::uint32_t trace, std::uint32_t terminal, std::string_view card) {
    iso8583::FieldValues f = transaction(200, trace, terminal, card, core_bench_amount);
    f.set(Field::processing_code, "000000");
    f.set(Field::reserved_private_60, "22000001000");
    return arrived(std::move(f), terminal);
}

RequestArrived core_bench_refund(std::uint32_t trace, std::uint32_t terminal, std::string_view card,
                                 const std::string& rrn, std::int64_t amount) {
    iso8583::FieldValues f = transaction(220, trace, terminal, card, amount);
    f.set(Field::processing_code, "200000");
    f.set(Field::rrn, rrn);
    f.set(Field::reserved_private_60, "25000001000");
    f.set(Field::reserved_private_61, "0000000000001121");
    return arrived(std::move(f), terminal);
}

RequestArrived core_bench_batch_request(std::uint16_t mti, const char* private_60, std::uint32_t terminal) {
    iso8583::FieldValues f(iso8583::Mti::of(mti));
    f.set(Field::stan, "000002");
    f.set(Field::terminal, std::to_string(terminal));
    f.set(Field::merchant, merchant);
    f.set(Field::reserved_private_60, private_60);
    if (mti == 500) {
        f.set(Field::additional_data, std::string(62, '0'));
        f.set(Field::currency_transaction, "156");
    }
    return arrived(std::move(f), terminal);
}

CoreBench::CoreBench(ledger::Store& store, routing::RefundMode mode)
    : store_(store),
      vault_(ledger::PanVaultKey(std::array<std::uint8_t, ledger::PanVaultKey::size>{1, 2, 3})),
      overlay_(store_),
      core_(configuration(mode), overlay_, vault_, &ledger::audit_sha256),
      turn_(core_, overlay_, store_, [this] { syncs_ended_.release(); }) {
    now_.utc = {1'795'233'600'000};
    turn_.offer_recovered(core_.recover(now_).value());
    pump();
    turn_.offer(IssuerLinkUp{{1}, {9}}, now_);
    pump();
}

std::vector<std::string> CoreBench::run(const std::vector<RequestArrived>& requests,
                                        std::uint32_t events_a_turn) {
    rrns_.clear();
    for (std::size_t i = 0; i < requests.size(); i += events_a_turn) {
        for (std::size_t k = i; k < std::min<std::size_t>(requests.size(), i + events_a_turn); ++k)
            turn_.offer(RequestArrived(requests[k]), now_);
        pump();
        while (!replies_.empty()) {
            std::vector<IssuerReplyArrived> due;
            due.swap(replies_);
            for (const IssuerReplyArrived& reply : due) turn_.offer(IssuerReplyArrived(reply), now_);
            pump();
        }
        now_.utc.ms += 1;
        now_.instant.ms += 1;
    }
    return rrns_;
}

std::size_t CoreBench::offer_for_later(const RequestArrived& event) {
    rrns_.clear();
    turn_.offer(event, now_);
    pump();
    replies_.clear();
    return rrns_.size();
}

std::size_t CoreBench::offer_alone(const RequestArrived& event) { return offer_for_later(event); }

void CoreBench::pump() {
    const auto perform = [this](const Effect& effect) {
        if (const auto* reply = std::get_if<SendReply>(&effect)) {
            all_approved_ = all_approved_ && reply->fields.get(Field::response_code) == "00";
            rrns_.emplace_back(reply->fields.get(Field::rrn));
        } else if (const auto* message = std::get_if<SendToIssuer>(&effect)) {
            iso8583::FieldValues back(*message->fields.mti().response());
            for (Field f : {Field::amount_transaction, Field::transmission_time, Field::stan, Field::rrn})
                back.set(f, message->fields.get(f));
            back.set(Field::response_code, "00");
            back.set(Field::authorization_code, "123456");
            replies_.push_back(
                {message->route, message->link, parse_issuer_reply(back).value(), MacState::verified});
        }
    };
    for (;;) {
        turn_.pump(now_, perform);
        ENSURE(!turn_.failed());
        if (turn_.idle()) return;
        syncs_ended_.acquire();
        turn_.sync_has_ended();
    }
}

}  // namespace bench
