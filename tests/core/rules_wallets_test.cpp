// R80 to R83: what a wallet's sale and its refunds do, through the whole core.
#include <catch2/catch.hpp>

#include "iso8583/tagged_text.hpp"
#include "ledger/key_layout.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::Role;
using iso8583::Field;

namespace {

constexpr const char* hundred = "000000010000";
constexpr const char* thirty = "000000003000";
constexpr std::int64_t poll_ms = 30'000;
constexpr std::int64_t day_ms = 86'400'000;

/// A desk whose wallet gives every sale an order number: W and the sale's trace. What it says to a refund is
/// `refunds`, one code an attempt; the last one goes on.
struct WalletDesk : Desk {
    explicit WalletDesk(const std::function<void(acquirer::Configuration&)>& adjust = {}) : Desk(adjust) {
        issuer = [this](const Sent& s) { return answer_to(s); };
        link(w, true);
    }
    Does answer_to(const Sent& s) {
        Does does;
        const std::string mti = s.mti();
        if (s.route != w) return does;
        if (mti == "0200" && s.fields.get(Field::processing_code).substr(0, 2) == "00")
            does.additional_data = iso8583::tagged_text("A4", "W" + std::string(s.fields.get(Field::stan)));
        if (mti != "0220" && mti != "0221") return does;
        does.code = refunds.front();
        if (refunds.size() > 1) refunds.pop_front();
        return does;
    }
    Answer wallet_sale(bool iso = false, const char* code = code_wechat) {
        auto answer = ask(sale_of(iso, code));
        REQUIRE(answer.has_value());
        REQUIRE(answer->code == "00");
        return *answer;
    }
    Ask sale_of(bool iso = false, const char* code = code_wechat) {
        Ask s;
        s.iso = iso;
        s.trace = next_trace();
        s.card = "";
        s.entry_mode = "031";
        s.code = code;
        return s;
    }
    Ask wallet_refund(const Answer& sale, const std::string& amount) {
        Ask r = refund_of(sale, amount, "");
        r.entry_mode = "031";
        return r;
    }
    static std::string order_of(const Answer& sale) {
        const bool iso = sale.to.profile == acquirer::Profile::iso87;
        const auto text = sale.fields.get(iso ? Field::additional_data : iso8583::field(59));
        return std::string(iso8583::tagged_value(text, "A4").value());
    }
    void restart_with_wallet() {
        restart();
        link(w, true);
    }
    std::deque<std::string> refunds{"00"};
};

}  // namespace

TEST_CASE("A wallet's sale goes to the wallet's route with its code, and has the order number",
          "[R80][R81]") {
    for (const bool iso : {false, true}) {
        WalletDesk d;
        const Answer sale = d.wallet_sale(iso);
        const Sent& request = d.last_sent("0200");
        CHECK(request.route == Desk::w);
        CHECK(request.fields.get(Field::additional_data) == iso8583::tagged_text("A3", code_wechat));
        CHECK_FALSE(request.fields.has(Field::pan));
        CHECK_FALSE(request.fields.has(Field::track2));
        const auto record = d.record(sale.rrn);
        CHECK(record.instrument == ledger::Instrument::wechat);
        CHECK(record.wallet.name == "wechat");
        CHECK_FALSE(record.wallet.order_number.empty());
        CHECK(WalletDesk::order_of(sale) == record.wallet.order_number);
        CHECK(record.sealed_card.empty());
        CHECK(record.pan_masked.empty());
    }
}

TEST_CASE("The payment code is stored nowhere, neither in clear nor sealed", "[R80][I10]") {
    WalletDesk d;
    const Answer sale = d.wallet_sale();
    d.ask(d.wallet_refund(sale, thirty));
    for (const auto family : {ledger::Family::journal, ledger::Family::index}) {
        auto done = d.store().scan(family, "", "\xFF", [&](std::string_view key, std::string_view value) {
            CHECK(key.find(code_wechat) == std::string_view::npos);
            CHECK(value.find(code_wechat) == std::string_view::npos);
            return true;
        });
        REQUIRE(done.has_value());
    }
    for (const auto& note : d.notes) CHECK(note.detail.find(code_wechat) == std::string::npos);
}

TEST_CASE("Whose a payment code is, and what has none", "[R80][R81][R82]") {
    WalletDesk d;
    struct Row {
        const char* code;
        const char* answer;
        ledger::Instrument instrument;
        routing::RouteId route;
    };
    for (const Row& row : {Row{code_wechat, "00", ledger::Instrument::wechat, Desk::w},
                           {code_alipay, "00", ledger::Instrument::alipay, Desk::w},
                           {code_qr, "00", ledger::Instrument::unionpay_qr, Desk::b}}) {
        const auto answer = d.ask(d.sale_of(false, row.code));
        CHECK(answer->code == row.answer);
        CHECK(d.record(answer->rrn).instrument == row.instrument);
        CHECK(d.record(answer->rrn).route == row.route.value);
    }
    CHECK(d.ask(d.sale_of(false, code_nowhere))->code == "14");
    CHECK(d.ask(d.sale_of(false, "13456789012345678"))->code == "14");  // a digit short
    CHECK(d.ask(d.sale_of(false, ""))->code == "30");
    CHECK(d.ask(d.sale_of(false, "13456789012345678X"))->code == "30");
    Ask without_entry = d.sale_of();
    without_entry.entry_mode = "021";
    CHECK(d.ask(without_entry)->code == "30");  // without 03x a missing DE2 is 30 (ruling 31)
    d.link(Desk::w, false);
    CHECK(d.ask(d.sale_of())->code == "91");
}

TEST_CASE("A refund goes back to the wallet of its sale by order number", "[R80]") {
    for (const bool iso : {false, true}) {
        WalletDesk d;
        const Answer sale = d.wallet_sale(iso);
        const auto refund = d.ask(d.wallet_refund(sale, thirty));
        REQUIRE(refund.has_value());
        CHECK(refund->code == "00");
        const Sent& advice = d.last_sent("0220");
        CHECK(advice.route == Desk::w);
        CHECK(advice.fields.get(Field::additional_data) ==
              iso8583::tagged_text("A4", WalletDesk::order_of(sale)));
        CHECK(d.state(refund->rrn) == "approved");
        CHECK(d.remaining(sale.rrn) == 7'000);
        const auto record = d.record(refund->rrn);
        CHECK(record.instrument == ledger::Instrument::wechat);
        CHECK(record.wallet == d.record(sale.rrn).wallet);
        CHECK(record.pan_token == d.record(sale.rrn).pan_token);
    }
}

TEST_CASE("A card for a wallet's sale, a code for a card's, a code of another wallet: 14", "[R15][R80]") {
    WalletDesk d;
    const Answer wallet = d.wallet_sale();
    const Answer card = d.sale(card_a);
    CHECK(d.ask(d.refund_of(wallet, thirty, card_a))->code == "14");
    CHECK(d.ask(d.wallet_refund(card, thirty))->code == "14");
    Ask coded = d.wallet_refund(card, thirty);
    coded.code = code_wechat;
    CHECK(d.ask(coded)->code == "14");
    Ask other = d.wallet_refund(wallet, thirty);
    other.code = code_alipay;
    CHECK(d.ask(other)->code == "14");
    Ask next_code = d.wallet_refund(wallet, thirty);
    next_code.code = code_wechat2;  // the same customer's code of today
    CHECK(d.ask(next_code)->code == "00");
    CHECK(d.ask(d.void_of(wallet, card_a))->code == "14");
}

TEST_CASE("The order number names the sale in place of RRN and date", "[R83]") {
    for (const bool iso : {false, true}) {
        WalletDesk d;
        const Answer sale = d.wallet_sale(iso);
        Ask by_order = d.wallet_refund(sale, thirty);
        by_order.rrn = iso ? "" : "000000000000";
        by_order.date = "";
        by_order.order = WalletDesk::order_of(sale);
        CHECK(d.ask(by_order)->code == "00");
        by_order.trace = d.next_trace();
        by_order.rrn = "";
        CHECK(d.ask(by_order)->code == "00");
        CHECK(d.remaining(sale.rrn) == 4'000);
        by_order.trace = d.next_trace();
        by_order.order = "W999999";
        CHECK(d.ask(by_order)->code == "25");
        // Beside the RRN it has to be the sale's.
        Ask both = d.wallet_refund(sale, thirty);
        both.order = "W999999";
        CHECK(d.ask(both)->code == "25");
        both.trace = d.next_trace();
        both.order = WalletDesk::order_of(sale);
        CHECK(d.ask(both)->code == "00");
    }
}

TEST_CASE("An order number is the merchant's own, and one that came twice names no sale", "[R83]") {
    WalletDesk d;
    d.issuer = [&](const Sent&) {
        Does does;
        does.additional_data = iso8583::tagged_text("A4", "SAME-1");
        return does;
    };
    const Answer first = d.wallet_sale();
    Ask by_order = d.wallet_refund(first, thirty);
    by_order.rrn = by_order.date = "";
    by_order.order = "SAME-1";
    Ask elsewhere = by_order;
    elsewhere.merchant = "898110157220005";
    elsewhere.terminal = "50000001";
    CHECK(d.ask(elsewhere)->code == "25");
    CHECK(d.ask(by_order)->code == "00");
    d.wallet_sale(false, code_wechat2);
    by_order.trace = d.next_trace();
    CHECK(d.ask(by_order)->code == "25");
    Ask dated = d.wallet_refund(first, thirty);
    CHECK(d.ask(dated)->code == "00");  // by RRN it still is one
}

TEST_CASE("A date beside the order number is compared", "[R83]") {
    WalletDesk d;
    const Answer sale = d.wallet_sale();
    Ask by_order = d.wallet_refund(sale, thirty);
    by_order.rrn = "000000000000";
    by_order.order = WalletDesk::order_of(sale);
    by_order.date = "1120";
    CHECK(d.ask(by_order)->code == "25");
}

TEST_CASE("The same key with another code or order number is a conflict", "[R21][R80]") {
    WalletDesk d;
    Ask sale = d.sale_of();
    const auto first = d.ask(sale);
    CHECK(d.ask(sale)->rrn == first->rrn);  // R20: again
    sale.code = code_wechat2;
    CHECK(d.ask(sale)->code == "94");
    Ask refund = d.wallet_refund(*first, thirty);
    refund.rrn = refund.date = "";
    refund.order = WalletDesk::order_of(*first);
    CHECK(d.ask(refund)->code == "00");
    CHECK(d.ask(refund)->code == "00");
    refund.order = "W999999";
    CHECK(d.ask(refund)->code == "94");
    CHECK(d.record(first->rrn).refunds_count == 1);
}

TEST_CASE("09 to a refund is processing: asked again at the wallet's pace until it says", "[R80]") {
    WalletDesk d;
    d.refunds = {"09", "09", "09", "00"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    CHECK(refund->code == "00");
    CHECK(d.state(refund->rrn) == "processing");
    CHECK(d.remaining(sale.rrn) == 7'000);
    CHECK(d.count_sent("0220") == 1);
    d.pass(poll_ms - 1);
    CHECK(d.count_sent("0221") == 0);
    d.pass(1);
    CHECK(d.count_sent("0221") == 1);
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "processing");
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
    CHECK(d.count_sent("0221") == 3);
    const auto record = d.record(refund->rrn);
    CHECK(record.advice.attempts == 1);
    CHECK(record.advice.polls == 3);
    // The same refund number, the same message but for its MTI.
    const auto& first = d.last_sent("0220").fields;
    const auto& poll = d.last_sent("0221").fields;
    CHECK(poll.get(Field::rrn) == first.get(Field::rrn));
    CHECK(poll.get(Field::stan) == first.get(Field::stan));
    CHECK(poll.get(Field::transmission_time) == first.get(Field::transmission_time));
    d.pass(poll_ms * 10);
    CHECK(d.count_sent("0221") == 3);
}

TEST_CASE("Polls count for neither attempts nor staleness", "[R60][R80]") {
    WalletDesk d([](acquirer::Configuration& c) {
        auto routes = c.routes.routes();
        for (auto& route : routes) {
            route.advice_attempts_max = 2;
            route.stale_after_minutes = 5;
        }
        c.routes = routing::RouteTable::build(routes, {}, c.routes.wallets().ranges()).value();
    });
    d.refunds = {"09"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    d.pass(60 * poll_ms);
    CHECK(d.state(refund->rrn) == "processing");
    d.link(Desk::w, false);
    d.pass(60 * poll_ms);
    d.link(Desk::w, true);
    CHECK(d.state(refund->rrn) == "processing");
    d.refunds = {"00"};
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
    CHECK(d.exceptions().empty());
}

TEST_CASE("A wallet that is silent, or not able to look, is asked on at its pace", "[R54][R80]") {
    WalletDesk d;
    d.refunds = {"09", "96", "09", "00"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    d.pass(3 * poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
    CHECK(d.count_sent("0221") == 3);
}

TEST_CASE("Processing ends after its days: parked, and a person goes on or settles it", "[R60][R70][R80]") {
    WalletDesk d;
    d.refunds = {"09"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    d.pass(7 * day_ms - 1);
    CHECK(d.state(refund->rrn) == "processing");
    d.pass(poll_ms + 1);
    CHECK(d.state(refund->rrn) == "parked");
    REQUIRE(d.exceptions("refund_processing_too_long").size() == 1);
    CHECK(d.remaining(sale.rrn) == 7'000);
    const std::size_t polls = d.count_sent("0221");
    CHECK(d.operate(acquirer::RetryAdvice{refund->rrn}, "maker1", Role::operator_).done);
    CHECK(d.count_sent("0221") == polls + 1);
    CHECK(d.state(refund->rrn) == "processing");  // its days begin again
    d.refunds = {"00"};
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
    for (const auto& x : d.exceptions()) CHECK_FALSE(x.resolution.empty());
}

TEST_CASE("A wall clock that steps neither ends the days of processing nor prolongs them", "[R60][R80]") {
    for (const std::int64_t step_days : {-30, 0, 30}) {
        CAPTURE(step_days);
        WalletDesk d;
        d.refunds = {"09"};
        const Answer sale = d.wallet_sale();
        const auto refund = d.ask(d.wallet_refund(sale, thirty));
        d.pass(day_ms);
        d.set_clock(d.now().utc.plus_ms(step_days * day_ms));
        d.pass(6 * day_ms - 1);
        CHECK(d.state(refund->rrn) == "processing");
        d.pass(poll_ms + 1);
        CHECK(d.state(refund->rrn) == "parked");
        const auto open = d.exceptions("refund_processing_too_long");
        REQUIRE(open.size() == 1);
        CHECK(open.front().text.find("for 7 days") != std::string::npos);
    }
}

TEST_CASE("The days of processing go on over a restart", "[R60][R80]") {
    WalletDesk d;
    d.refunds = {"09"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    d.pass(4 * day_ms);
    d.restart_with_wallet();
    d.pass(3 * day_ms - poll_ms);
    CHECK(d.state(refund->rrn) == "processing");
    d.pass(2 * poll_ms);
    CHECK(d.state(refund->rrn) == "parked");
}

TEST_CASE("A processing refund lets later refunds of its sale pass", "[R80]") {
    WalletDesk d;
    d.refunds = {"09", "00"};
    const Answer sale = d.wallet_sale();
    const auto first = d.ask(d.wallet_refund(sale, thirty));
    const auto second = d.ask(d.wallet_refund(sale, thirty));
    CHECK(d.state(first->rrn) == "processing");
    CHECK(d.state(second->rrn) == "approved");
    d.pass(poll_ms);
    CHECK(d.state(first->rrn) == "approved");
    CHECK(d.remaining(sale.rrn) == 4'000);
}

TEST_CASE("It goes on being processed over a restart and a cut-over", "[R57a][R80]") {
    WalletDesk d;
    d.refunds = {"09"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    const auto since = d.record(refund->rrn).advice.processing_since;
    d.restart_with_wallet();
    CHECK(d.operate(acquirer::CutOverDay{}, "checker1", Role::admin).done);
    d.pass(2 * poll_ms);
    CHECK(d.state(refund->rrn) == "processing");
    CHECK(d.record(refund->rrn).advice.processing_since == since);
    d.restart_with_wallet();
    d.refunds = {"00"};
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
    CHECK(d.count_sent("0220") == 1);
    CHECK(d.remaining(sale.rrn) == 7'000);
}

TEST_CASE("A closed account makes it abnormal, at once or after processing", "[R55][R74][R80]") {
    WalletDesk d;
    d.refunds = {"09", "54"};
    const Answer sale = d.wallet_sale();
    const auto refund = d.ask(d.wallet_refund(sale, thirty));
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "abnormal");
    CHECK(d.remaining(sale.rrn) == 7'000);
    d.refunds = {"09", "00"};
    CHECK(d.operate(acquirer::ResolveAbnormal{refund->rrn, acquirer::ResolveAbnormal::Way::retry, "",
                                              "the account was opened again"},
                    "maker1", Role::operator_)
              .done);
    CHECK(d.state(refund->rrn) == "processing");
    CHECK(d.count_sent("0220") == 2);                                  // new DE11 and DE7 …
    CHECK(d.last_sent("0220").fields.get(Field::rrn) == refund->rrn);  // … under the same number (ruling 6)
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
}

TEST_CASE("At most so many refunds of a wallet's sale", "[R80]") {
    WalletDesk d([](acquirer::Configuration& c) {
        auto routes = c.routes.routes();
        for (auto& route : routes) route.wallet.per_sale_max = 2;
        c.routes =
            routing::RouteTable::build(routes, {{"621234", "621299", {Desk::a}}}, c.routes.wallets().ranges())
                .value();
    });
    const Answer sale = d.wallet_sale();
    const Answer card = d.sale(card_a);
    const char* one = "000000000100";
    for (int n = 0; n < 2; ++n) CHECK(d.ask(d.wallet_refund(sale, one))->code == "00");
    CHECK(d.ask(d.wallet_refund(sale, one))->code == "65");
    for (int n = 0; n < 3; ++n) CHECK(d.ask(d.refund_of(card, one, card_a))->code == "00");
}

TEST_CASE("The queue keeps a distance between two refunds of a wallet's sale", "[R80]") {
    WalletDesk d([](acquirer::Configuration& c) {
        auto routes = c.routes.routes();
        for (auto& route : routes) route.wallet.spacing_seconds = 60;
        c.routes =
            routing::RouteTable::build(routes, {{"621234", "621299", {Desk::a}}}, c.routes.wallets().ranges())
                .value();
    });
    const Answer sale = d.wallet_sale();
    const Answer other = d.wallet_sale(false, code_wechat2);
    CHECK(d.ask(d.wallet_refund(sale, thirty))->code == "00");
    const auto second = d.ask(d.wallet_refund(sale, thirty));
    CHECK(second->code == "00");  // accepted at once, sent later
    CHECK(d.count_sent("0220") == 1);
    CHECK(d.ask(d.wallet_refund(other, thirty))->code == "00");
    CHECK(d.count_sent("0220") == 2);  // of another sale: no distance
    d.pass(30'000);
    d.restart_with_wallet();
    d.pass(29'000);
    CHECK(d.count_sent("0220") == 2);
    d.pass(1'100);
    CHECK(d.count_sent("0220") == 3);
    CHECK(d.state(second->rrn) == "approved");
}

TEST_CASE("A terminal's reversal of a processing refund: an exception, and the refund goes on",
          "[R33][R80]") {
    WalletDesk d;
    d.refunds = {"09", "00"};
    const Answer sale = d.wallet_sale();
    const Ask asked = d.wallet_refund(sale, thirty);
    const auto refund = d.ask(asked);
    CHECK(d.ask(d.reversal_of(asked))->code == "12");
    CHECK(d.exceptions("refund_reversal").size() == 1);
    d.pass(poll_ms);
    CHECK(d.state(refund->rrn) == "approved");
}

TEST_CASE("Void and reversal of a wallet's sale are those of a card's", "[R3][R30][R50][R80]") {
    for (const bool iso : {false, true}) {
        WalletDesk d;
        const Answer sale = d.wallet_sale(iso);
        Ask undo = d.void_of(sale, "");
        undo.entry_mode = "031";
        CHECK(d.ask(undo)->code == "00");
        CHECK(d.state(sale.rrn) == "voided");
        CHECK(d.last_sent("0420").fields.get(Field::additional_data) ==
              iso8583::tagged_text("A4", WalletDesk::order_of(sale)));
        const Ask second = d.sale_of(iso, code_wechat2);
        const auto answer = d.ask(second);
        CHECK(d.ask(d.reversal_of(second))->code == "00");
        CHECK(d.state(answer->rrn) == "reversed");
        // By order number alone, without DE37 and DE61.
        const Answer third = d.wallet_sale(iso, "145555555555555555");
        Ask by_order = undo;
        by_order.trace = d.next_trace();
        by_order.rrn = by_order.date = by_order.original_batch = by_order.original_trace = "";
        by_order.order = WalletDesk::order_of(third);
        CHECK(d.ask(by_order)->code == "00");
        CHECK(d.state(third.rrn) == "voided");
    }
}

TEST_CASE("A wallet that is silent to a sale: reversed without its code", "[R50][R80]") {
    WalletDesk d;
    d.issuer = [](const Sent& s) {
        return Does{
            s.mti() == "0200" ? Does::Kind::silent : Does::Kind::approve, "00", MacState::verified, {}};
    };
    const std::string trace = "000077";
    Ask sale = d.sale_of();
    sale.trace = trace;
    CHECK_FALSE(d.ask(sale).has_value());
    d.pass(5'100);
    CHECK(d.answers.back().code == "98");
    const Sent& reversal = d.last_sent("0420");
    CHECK_FALSE(reversal.fields.has(Field::additional_data));
    CHECK_FALSE(reversal.fields.has(Field::pan));
    CHECK(d.state(d.answers.back().rrn) == "reversed");
}

TEST_CASE("A case of operations goes back to the wallet as well", "[R17][R80]") {
    WalletDesk d;
    d.refunds = {"09", "00"};
    const Answer sale = d.wallet_sale();
    const auto opened =
        d.operate(acquirer::OpenRefund{sale.rrn, "", "30.00", "quality", "ref-1"}, "maker1", Role::operator_);
    REQUIRE(opened.done);
    std::string number;
    for (const auto& [name, value] : opened.values)
        if (name == "case") number = value;
    CHECK(d.operate(acquirer::ApproveRefund{number}, "checker1", Role::supervisor).done);
    CHECK(d.state(number) == "processing");
    CHECK(d.last_sent("0220").fields.get(Field::additional_data) ==
          iso8583::tagged_text("A4", WalletDesk::order_of(sale)));
    d.pass(poll_ms);
    CHECK(d.state(number) == "approved");
}

TEST_CASE("A wallet of another name is told from every other by it", "[R80]") {
    WalletDesk d([](acquirer::Configuration& c) {
        auto wallets = c.routes.wallets().ranges();
        wallets.push_back({"harbour-pay", "70", "72", 20, 20, {Desk::w}});
        wallets.push_back({"kiosk-pay", "73", "74", 20, 20, {Desk::w}});
        c.routes =
            routing::RouteTable::build(c.routes.routes(), {{"621234", "621299", {Desk::a}}}, wallets).value();
    });
    const Answer sale = d.wallet_sale(false, "71234567890123456789");
    CHECK(d.record(sale.rrn).instrument == ledger::Instrument::other_wallet);
    CHECK(d.record(sale.rrn).wallet.name == "harbour-pay");
    Ask other = d.wallet_refund(sale, thirty);
    other.code = "73234567890123456789";
    CHECK(d.ask(other)->code == "14");
    CHECK(d.ask(d.wallet_refund(sale, hundred))->code == "00");
    CHECK(d.state(sale.rrn) == "approved");
    CHECK(d.remaining(sale.rrn) == 0);
}
