#include "tests/simulation/bent_traffic.hpp"

#include <algorithm>

namespace simulation {

using namespace acquirer;
using iso8583::Bytes;
using iso8583::Field;
using iso8583::FieldValues;

namespace {

constexpr std::uint32_t terminal_numbers[] = {10000002U, 20000002U};
constexpr std::size_t recipe_bytes_max = 24;
constexpr std::size_t own_requests_max = 64;
constexpr int class_network_management = 8;
constexpr std::string_view network_codes[] = {"001", "002", "301", "161"};

routing::RouteId route_of(Choices& choices) { return choices.below(2) == 0 ? route_a : route_b; }

}  // namespace

BentTraffic::BentTraffic(World& world, Breach breach) : world_(world), breach_(std::move(breach)) {
    for (std::size_t i = 0; i < std::size(sides_); ++i) {
        Side& side = sides_[i];
        side.till =
            &world_.add_till(std::make_unique<Till>(world_, till_config(world_, terminal_numbers[i])));
        side.till->ask(side.till->terminal().sign_on(side.till->utc()));
        world_.pass(0);
        for (const bool to_a : {true, false}) sell(side, to_a, 10'000);
        world_.pass(0);
    }
    world_.issuers_are_odd = true;
    for (const routing::RouteId route : {route_a, route_b}) {
        world_.issuer(route).on_leaving = [this, route](Bytes& frame) { leaving(route, frame); };
        world_.issuer(route).on_arrived = [this, route](const iso8583::Message& m) { arrived(route, m); };
        // What was approved before anything was bent is approved.
        for (const auto& [rrn, r] : world_.checkers().records())
            issuers_[routing::RouteId{r.route}].approved.insert(
                {iso8583::TransmissionTime::of(r.issuer_transmission_time).str(),
                 iso8583::Stan::of(r.issuer_stan).str()});
    }
}

BentTraffic::~BentTraffic() {
    for (const routing::RouteId route : {route_a, route_b}) {
        world_.issuer(route).on_leaving = {};
        world_.issuer(route).on_arrived = {};
    }
}

// ---- Terminals

void BentTraffic::sell(Side& side, bool to_a, std::int64_t amount) {
    const auto pan = iso8583::Pan::parse(to_a ? cards_a[1] : cards_b[1]).value();
    side.sales.push_back(&side.till->ask(side.till->terminal().sale(pan, amount, side.till->utc())));
    constexpr std::size_t sales_max = 8;
    if (side.sales.size() > sales_max) side.sales.erase(side.sales.begin());
}

void BentTraffic::honest_frame(Choices& choices) {
    Side& side = sides_[choices.below(2)];
    const std::size_t what = choices.below(4);
    if (what == 3) {
        side.till->ask(side.till->terminal().sign_on(side.till->utc()));
        return;
    }
    if (side.till->terminal().has_keys()) sell(side, what == 0, 100 + 100 * std::int64_t{choices.byte()});
}

peers::Outgoing BentTraffic::valid_frame(Side& side, Choices& choices) {
    peers::Terminal& t = side.till->terminal();
    const iso8583::UtcTime utc = side.till->utc();
    const std::size_t kind = choices.below(10);
    const std::size_t which = choices.below(side.sales.size());
    const Till::Asked* sale = side.sales.empty() ? nullptr : side.sales[which];
    const bool approved = sale != nullptr && sale->answered() && sale->answers.front().receipt;
    if (kind == 1 && approved) return t.refund(*sale->answers.front().receipt, 1'000, utc);
    if (kind == 2 && approved) return t.void_sale(*sale->answers.front().receipt, utc);
    if (kind == 3 && sale != nullptr) return t.reversal(sale->tries.front(), "98", utc);
    if (kind == 4) return t.settlement(t.totals(), utc);
    if (kind == 5) {
        FieldValues fields = t.batch_upload_end(1, utc).fields;
        std::string content(fields.get(Field::reserved_private_60));
        constexpr std::size_t network_at = 8;
        if (content.size() > network_at + 2) content.replace(network_at, 3, "201");
        if (!content.empty()) fields.set(Field::reserved_private_60, content);
        return t.custom(peers::Transaction::batch_upload, std::move(fields));
    }
    if (kind == 6) return t.batch_upload_end(1, utc);
    if (kind == 7) return t.sign_on(utc);
    if (kind == 8) return t.sign_off(utc);
    if (kind == 9) return t.echo(utc);
    const char* card = choices.below(2) == 0 ? cards_a[2] : cards_b[2];
    return t.sale(iso8583::Pan::parse(card).value(), 1'000, utc);
}

void BentTraffic::terminal_frame(Choices& choices) {
    Side& side = sides_[choices.below(2)];
    const peers::Outgoing valid = valid_frame(side, choices);
    const peers::Terminal& t = side.till->terminal();
    write(side, bend(t.dialect(), t.framing(), valid.frame, choices,
                     [&t](iso8583::ByteView covered) { return t.mac_of(covered); }));
}

void BentTraffic::write(Side& side, Bytes bytes) {
    if (side.disturbed && world_.network.is_open(side.connection))
        world_.network.close(side.connection, simulation::Side::peer_side);
    if (side.disturbed || !world_.network.is_open(side.connection)) {
        const Profile profile = side.till->profile();
        side.judge = std::make_unique<ReplyJudge>(
            side.till->terminal(), [this, &side, profile](const iso8583::TerminalId& id) {
                // Terminals of the ISO profile share their configured key, the others have one of their own.
                if (profile == Profile::unionpay_pos) return id == side.till->terminal().config().terminal;
                const TerminalRange* range = world_.configuration().find_terminal(id);
                return range != nullptr && range->profile == profile;
            });
        Network::End end;
        end.bytes = [this, &side](std::uint64_t connection, iso8583::ByteView reply) {
            if (connection != side.connection) return;
            if (const auto what = side.judge->arrived(reply)) breach_(*what);
        };
        end.closed = [](std::uint64_t) {};
        const auto connection = world_.connect_terminal(profile, std::move(end));
        if (!connection) return;
        world_.honest().connected(*connection);
        side.connection = *connection;
        side.disturbed = false;
    }
    side.disturbed = !side.judge->sent(bytes, world_.hsm_up);
    world_.honest().sent(side.till->terminal().dialect(), bytes);
    world_.network.write(side.connection, simulation::Side::peer_side, std::move(bytes));
}

// ---- Issuers

const iso8583::Dialect& BentTraffic::dialect_of(routing::RouteId route) {
    return *world_.issuer(route).model().config().dialect;
}

std::optional<hsm::Mac> BentTraffic::issuer_mac(routing::RouteId route, iso8583::ByteView covered) {
    const routing::IssuerConfig& config = world_.issuer(route).model().config();
    const hsm::Reply reply = world_.engine().perform(
        hsm::GenerateMac{hsm::KeyKind::zak, config.zak, config.mac, {covered.begin(), covered.end()}});
    const auto* made = reply ? std::get_if<hsm::MacGenerated>(&*reply) : nullptr;
    return made == nullptr ? std::nullopt : std::optional(made->mac);
}

bool BentTraffic::verifies(routing::RouteId route, const iso8583::Message& message) {
    const auto field = message.mac_field();
    if (!field) return false;
    const auto right = issuer_mac(route, message.mac_input());
    return right && message.get(*field) == iso8583::as_text(*right);
}

void BentTraffic::bend_next_of_issuer(Choices& choices) {
    const routing::RouteId route = route_of(choices);
    issuers_[route].recipe = choices.take(recipe_bytes_max);
}

void BentTraffic::issuer_request(Choices& choices) {
    const routing::RouteId route = route_of(choices);
    const std::string_view code = network_codes[choices.below(std::size(network_codes))];
    issuers_[route].recipe = choices.take(recipe_bytes_max);
    IssuerNode& node = world_.issuer(route);
    if (code == key_change_code) {
        static_cast<void>(node.control(choices.below(2) == 0 ? "key-change zak" : "key-change zpk"));
        return;
    }
    FieldValues fields(iso8583::Mti::of(800));
    fields.set(Field::transmission_time, iso8583::TransmissionTime::from_utc(world_.now().utc).str());
    fields.set(Field::stan, iso8583::Stan::of(900'000 + choices.byte()).str());
    fields.set(Field::network_management_code, code);
    auto encoded = iso8583::encode(dialect_of(route), fields);
    if (!encoded) return breach_("an 0800 cannot be written: " + encoded.error().str());
    iso8583::Frame frame;
    frame.body = std::move(encoded->body);
    Bytes bytes;
    iso8583::write_frame(dialect_of(route).framing(), frame, bytes);
    leaving(route, bytes);
    node.send_bytes(std::move(bytes));
}

void BentTraffic::leaving(routing::RouteId route, Bytes& frame) {
    Issuer& issuer = issuers_[route];
    const Bytes before = frame;
    if (issuer.recipe) {
        Choices choices(*issuer.recipe);
        const iso8583::Dialect& dialect = dialect_of(route);
        frame = bend(dialect, dialect.framing(), before, choices,
                     [this, route](iso8583::ByteView covered) { return issuer_mac(route, covered); });
        issuer.recipe.reset();
    }
    note_leaving(route, frame, frame == before);
}

void BentTraffic::note_leaving(routing::RouteId route, iso8583::ByteView frame, bool intact) {
    Issuer& issuer = issuers_[route];
    iso8583::FrameReader reader(dialect_of(route).framing());
    reader.feed(frame);
    for (auto next = reader.next(); next && *next; next = reader.next()) {
        OwnRequest read;
        if (auto whole = iso8583::decode(dialect_of(route), std::move((*next)->body), &read.message)) {
            read.message = std::move(*whole);
            read.decodes = true;
        }
        read.verifies = intact || verifies(route, read.message);
        const iso8583::Message& m = read.message;
        const int message_class = m.mti().message_class();
        const auto code = iso8583::ResponseCode::parse(m.get(Field::response_code));
        const auto* of_route = world_.configuration().routes.find(route);
        const bool approval = code && of_route != nullptr &&
                              routing::classify_request(*of_route, *code) == routing::IssuerVerdict::approved;
        if (message_class <= 2 && read.decodes && read.verifies && approval)
            issuer.approved.insert({m.get(Field::transmission_time), m.get(Field::stan)});
        if (message_class != class_network_management) continue;
        if (issuer.requests.size() == own_requests_max) issuer.requests.erase(issuer.requests.begin());
        issuer.requests.push_back(std::move(read));
    }
}

/// What the switch says to an 0800: what it echoes is the request's, and 00 only for what is in order.
void BentTraffic::arrived(routing::RouteId route, const iso8583::Message& answer) {
    if (answer.mti().message_class() != class_network_management || answer.mti().function() != 1) return;
    std::optional<std::string> breach;
    for (const OwnRequest& request : issuers_[route].requests) {
        const iso8583::Message& m = request.message;
        if (m.get(Field::stan) != answer.get(Field::stan) ||
            m.get(Field::transmission_time) != answer.get(Field::transmission_time))
            continue;
        breach.reset();
        for (const Field f :
             {Field::network_management_code, Field::acquirer_institution, Field::forwarding_institution})
            if (m.get(f) != answer.get(f))
                breach = "an 0810 has another DE" + std::to_string(iso8583::number(f)) + " than its 0800";
        const bool approved = answer.get(Field::response_code) == "00";
        if (approved && !request.decodes) breach = "an 0800 that does not decode was answered 00";
        if (approved && m.get(Field::network_management_code) == key_change_code && !request.verifies)
            breach = "a key was taken without a right MAC";
        if (!breach) return;
    }
    if (breach) breach_(*breach);
}

void BentTraffic::released(const Effect& effect) {
    const auto* reply = std::get_if<SendReply>(&effect);
    if (reply == nullptr || reply->fields.get(Field::response_code) != "00") return;
    const auto rrn = iso8583::Rrn::parse(reply->fields.get(Field::rrn));
    const ledger::TransactionRecord* record = rrn ? world_.checkers().record(*rrn) : nullptr;
    const bool of_a_sale = reply->fields.mti().message_class() == 2 && record != nullptr &&
                           record->kind == ledger::TransactionKind::sale;
    if (!of_a_sale) return;
    const auto& approved = issuers_[routing::RouteId{record->route}].approved;
    if (!approved.contains({iso8583::TransmissionTime::of(record->issuer_transmission_time).str(),
                            iso8583::Stan::of(record->issuer_stan).str()}))
        breach_("the sale " + rrn->str() + " was answered 00 without an issuer's approval");
}

}  // namespace simulation
