#include "switch/config/dialect_needs.hpp"

#include <fmt/format.h>

#include <span>

#include "iso8583/codec.hpp"

namespace acquirer {

namespace {

using iso8583::Field;

/// A field and a value of it as long as the switch writes them, or has to read them.
struct Need {
    int field;
    std::string value;
    const char* what;
};

std::string bytes(std::size_t n) { return std::string(n, '\x01'); }

constexpr std::size_t frame_body_bytes_min = 4'096;
constexpr std::size_t header_bytes_unionpay = 6;
constexpr std::size_t mac_bytes = 8;

const std::string terminal_id = "10000001";
const std::string merchant_id = "123456780000001";
const std::string original_data = "020000000101010101010000000000000000000000";

std::vector<Need> of_both() {
    return {{2, "4111111111111111", "the card"},
            {3, "000000", "which transaction it is"},
            {4, "000000001000", "the amount"},
            {11, "000001", "matches answers"},
            {12, "120000", "the local time"},
            {13, "0101", "the local date"},
            {14, "2912", "the card's expiry"},
            {22, "051", "how the card was read"},
            {23, "001", "the card's sequence number, with a chip"},
            {25, "00", "the condition of the sale"},
            {26, "06", "digits of a PIN"},
            {35, "4111111111111111=291220100000", "track 2"},
            {37, "123456789012", "the RRN"},
            {38, "A1B2C3", "the authorization"},
            {39, "00", "the response code"},
            {41, terminal_id, "the terminal"},
            {42, merchant_id, "the merchant"},
            {49, "156", "the currency"},
            {53, "2600000000000000", "security control, with a PIN"},
            {55, std::string("\x9F\x36\x02\x00\x01", 5), "chip data"},
            {64, bytes(mac_bytes), "the MAC of messages without a second bitmap"}};
}

std::vector<Need> issuer_needs(std::size_t pin_bytes) {
    std::vector<Need> needs = of_both();
    for (Need n : std::vector<Need>{{7, "0101120000", "matches answers"},
                                    {32, "12345678901", "the acquirer"},
                                    {33, "12345678901", "the forwarder"},
                                    {48, std::string("ZAK") + std::string(33, 'A'), "a key that is changed"},
                                    {52, bytes(pin_bytes), "a PIN block of the route's format"},
                                    {59, "281234567890123456", "a wallet's code"},
                                    {70, "301", "sign-on and echo"},
                                    {90, original_data, "what a reversal or refund undoes"},
                                    {95, std::string(42, '0'), "what is left of a partial reversal"},
                                    {128, bytes(mac_bytes), "the MAC of messages with a second bitmap"}})
        needs.push_back(std::move(n));
    return needs;
}

std::vector<Need> terminal_needs(Profile profile) {
    std::vector<Need> needs = of_both();
    const auto add = [&needs](std::vector<Need> more) {
        needs.insert(needs.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    };
    add({{15, "0101", "the business date"},
         {44, "case 123", "text of an answer"},
         {52, bytes(mac_bytes), "a PIN block"}});
    if (profile == Profile::unionpay_pos)
        add({{48, std::string(62, '0'), "totals of a settlement"},
             {60, "22000001000500", "message type and batch"},
             {61, "0000010000010101", "the original of a void or refund"},
             {62, bytes(60), "working keys"},
             {63, "CUP", "the organisation"}});
    else
        add({{7, "0101120000", "the transmission time"},
             {70, "301", "network management"},
             {74, "0000000001", "counts of a reconciliation"},
             {86, "0000000000000001", "sums of a reconciliation"},
             {90, original_data, "what a reversal undoes"},
             {97, "C0000000000000001", "the net of a reconciliation"},
             {128, bytes(mac_bytes), "the MAC of messages with a second bitmap"}});
    return needs;
}

/// Nothing, or why the value does not go through the dialect and come back as it was.
std::string fault_of(const iso8583::Dialect& dialect, const Need& need) {
    const Field f = iso8583::field(need.field);
    if (dialect.field_spec(need.field) == nullptr)
        return fmt::format("DE{} is missing ({})", need.field, need.what);
    iso8583::FieldValues values(iso8583::Mti::of(200));
    values.set(f, need.value);
    const auto encoded = iso8583::encode(dialect, values);
    if (!encoded)
        return fmt::format("DE{} ({}) does not fit: {}", need.field, need.what, encoded.error().str());
    const bool is_mac = f == Field::mac_primary || f == Field::mac_secondary;
    // A MAC is put in when all else is written, as eight bytes.
    if (is_mac && dialect.field_spec(need.field)->content != iso8583::Content::b)
        return fmt::format("DE{} ({}) has to be 8 bytes, binary or hex", need.field, need.what);
    const auto decoded = iso8583::decode(dialect, encoded->body);
    if (!decoded || decoded->get(f) != need.value)
        return fmt::format("DE{} ({}) does not come back as it was written", need.field, need.what);
    return {};
}

std::vector<std::string> faults_of(const iso8583::Dialect& dialect, std::span<const Need> needs) {
    std::vector<std::string> faults;
    for (const Need& need : needs)
        if (std::string fault = fault_of(dialect, need); !fault.empty()) faults.push_back(std::move(fault));
    if (dialect.framing().body_bytes_max < frame_body_bytes_min)
        faults.push_back(fmt::format("framing.body_bytes_max is {}, at least {} are needed",
                                     dialect.framing().body_bytes_max, frame_body_bytes_min));
    return faults;
}

}  // namespace

std::vector<std::string> issuer_dialect_faults(const iso8583::Dialect& dialect, std::size_t pin_bytes) {
    std::vector<std::string> faults = faults_of(dialect, issuer_needs(pin_bytes));
    const iso8583::FramingSpec& framing = dialect.framing();
    if (framing.tpdu || framing.header_bytes != 0)
        faults.emplace_back("its frames have a TPDU or a header, which issuers' connections do not have");
    return faults;
}

std::vector<std::string> terminal_dialect_faults(const iso8583::Dialect& dialect, Profile profile) {
    std::vector<std::string> faults = faults_of(dialect, terminal_needs(profile));
    const iso8583::FramingSpec& framing = dialect.framing();
    const bool unionpay = profile == Profile::unionpay_pos;
    if (unionpay && (!framing.tpdu || framing.header_bytes != header_bytes_unionpay))
        faults.push_back(
            fmt::format("its frames need a TPDU and a header of {} bytes", header_bytes_unionpay));
    if (!unionpay && framing.header_bytes != 0)
        faults.emplace_back("its frames have a header, which terminals of iso87-ascii do not have");
    return faults;
}

}  // namespace acquirer
