// A hotel: it authorizes what the stay may cost, completes for what it did cost, and gives a part of it back
// (R90, R92, R94, R8).
#include <fmt/format.h>

#include "tests/demo/scenes.hpp"

namespace demo {

void Scenes::hotel(Desk& desk) {
    scene("pre-authorization of a hotel: " + desk.name);
    constexpr std::int64_t authorized = 100'000;
    constexpr std::int64_t completed = 110'000;  // 110 % of it
    constexpr std::int64_t given_back = 30'000;
    peers::Terminal& terminal = desk.line->terminal();
    const auto asked = terminal.authorization(desk.card, authorized, utc_now());
    expect("authorization of 1,000.00", "00", desk.line->exchange(asked));
    if (!desk.line->outcome().receipt) return;
    const peers::Receipt authorization = *desk.line->outcome().receipt;
    expect_effect("the issuer holds it", desk, "authorization", authorization.rrn.str(), authorized);
    expect("nothing of it can be refunded", "12",
           desk.line->exchange(terminal.refund(authorization, given_back, utc_now())));
    const auto complete = [&](std::int64_t amount) {
        return desk.line->exchange(
            terminal.completion(authorization, amount, peers::CompletionBy::request, utc_now()));
    };
    expect("completion of 1,150.01, one fen above 115 %", "64", complete(115'001));
    expect("completion of 1,100.00", "00", complete(completed));
    if (!desk.line->outcome().receipt) return;
    const peers::Receipt sale = *desk.line->outcome().receipt;
    expect_effect("the issuer's books", desk, "sale", sale.rrn.str(), completed);
    expect("it is completed once", "12", complete(1'000));
    // A completion by advice is collected when the issuer's 0230 has come: 09 until then (R94).
    constexpr int tries_max = 500;
    std::string refunded = "09";
    for (int n = 0; n < tries_max && refunded == "09"; ++n)
        refunded = desk.line->exchange(terminal.refund(sale, given_back, utc_now()));
    expect("refund of 300.00", "00", refunded);
    expect("refund of 800.01, one fen too much", "64",
           desk.line->exchange(terminal.refund(sale, completed - given_back + 1, utc_now())));
    show_ledger(authorization.rrn);
    show_ledger(sale.rrn);
}

}  // namespace demo
