#include "bench/codec_bench.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <cstdio>
#include <ctime>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "bench/callgrind.hpp"
#include "bench/codec_bench_parse.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/specs/spec_file.hpp"
#include "iso8583/values/ensure.hpp"

namespace bench {

namespace {

using namespace iso8583;

/// Processor time of this thread: other work on the machine must not count.
double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

constexpr std::string_view dialects[] = {"87-ascii-hexbmp", "87-bcd-binbmp", "87-ebcdic-binbmp",
                                         "iso87-ascii",     "iso87-bcd",     "unionpay-pos"};

/// Of these the table is also read from a file, to see that it costs the same.
constexpr std::string_view loaded_dialects[] = {"87-ascii-hexbmp", "iso87-bcd"};
constexpr std::string_view loaded_prefix = "loaded-";

/// The message that other codecs were measured with: 0200 with fields 2 3 4 7 11 12 13 22 25 35 37 41 42 49,
/// 100 bytes of DE55 and a MAC. A field the dialect does not have is left out.
FieldValues bench_message(const Dialect& dialect) {
    FieldValues v(Mti::of(200));
    const auto set = [&](Field f, std::string_view content) {
        if (dialect.known_fields().has(number(f))) v.set(f, content);
    };
    set(Field::pan, "4111111111111111");
    set(Field::processing_code, "000000");
    set(Field::amount_transaction, "000000001000");
    set(Field::transmission_time, "1121214752");
    set(Field::stan, "000123");
    set(Field::local_time, "214752");
    set(Field::local_date, "1121");
    set(Field::pos_entry_mode, "051");
    set(Field::pos_condition_code, "00");
    set(Field::track2, "4111111111111111=30121010000012345678");
    set(Field::rrn, "632500000001");
    set(Field::terminal, "10000001");
    set(Field::merchant, "898110157220001");
    set(Field::currency_transaction, "156");
    const bool text = dialect.field_spec(55)->content != Content::b;
    std::string icc = "\x9F\x10\x61";  // one tag with 97 bytes
    for (int i = 0; i < 97; ++i) icc.push_back(static_cast<char>(i * 37));
    set(Field::icc_data, text ? std::string(100, 'A') : icc);
    set(Field::mac_primary, "\x72\x48\x9C\xAC\x12\x34\x56\x78");
    return v;
}

struct Case {
    std::string name;
    std::size_t bytes = 0;
    std::function<void(std::uint64_t)> run;  // does the operation that many times
    std::vector<double> ns = {};
    double instructions = 0;
    [[nodiscard]] double median() const {
        std::vector<double> sorted = ns;
        std::sort(sorted.begin(), sorted.end());
        return sorted.empty() ? 0 : sorted[sorted.size() / 2];
    }
    [[nodiscard]] double best() const { return ns.empty() ? 0 : *std::min_element(ns.begin(), ns.end()); }
};

/// Keeps the compiler from dropping work whose result nobody reads.
template <typename T>
void keep(const T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

Case decode_case(const Dialect& dialect, const Bytes& body) {
    return {fmt::format("decode.{}", dialect.name()), body.size(), [&dialect, body](std::uint64_t n) {
                // The message and the caller swap buffers at each decode; both hold the same bytes here, so
                // that only the decoding is measured.
                Message message;
                Bytes buffer = body;
                ENSURE(!decode_into(dialect, buffer, message));
                buffer = body;
                for (std::uint64_t i = 0; i < n; ++i) {
                    const auto error = decode_into(dialect, buffer, message);
                    ENSURE(!error);
                    keep(message);
                }
            }};
}

Case encode_case(const Dialect& dialect, const FieldValues& values, std::size_t bytes) {
    return {fmt::format("encode.{}", dialect.name()), bytes, [&dialect, values](std::uint64_t n) {
                EncodedMessage out;
                for (std::uint64_t i = 0; i < n; ++i) {
                    const auto error = encode_into(dialect, values, out);
                    ENSURE(!error);
                    keep(out);
                }
            }};
}

Case hand_written_case(std::string_view dialect, const Bytes& body) {
    return {fmt::format("hand-written.{}", dialect), body.size(), [dialect, body](std::uint64_t n) {
                HandParsed parsed;
                for (std::uint64_t i = 0; i < n; ++i) {
                    ENSURE(parse_by_hand(dialect, body, parsed));
                    keep(parsed);
                }
            }};
}

/// A built-in table written as a file and read again, as a bank's own would be. Kept to the end of the
/// program.
const Dialect& loaded_dialect(std::string_view built_in) {
    static std::deque<Dialect> kept;
    DialectSpec spec = find_dialect(built_in)->spec();
    spec.name = fmt::format("{}{}", loaded_prefix, built_in);
    const auto text = specs::write_spec(spec, specs::SpecFormat::toml);
    ENSURE(text.has_value());
    auto loaded = specs::read_spec(text->text, specs::SpecFormat::toml, "bench");
    ENSURE(loaded.has_value());
    kept.push_back(*Dialect::make(std::move(loaded->spec)));
    return kept.back();
}

std::vector<Case> make_cases() {
    std::vector<const Dialect*> tables;
    for (std::string_view name : dialects) tables.push_back(find_dialect(name));
    for (std::string_view name : loaded_dialects) tables.push_back(&loaded_dialect(name));
    std::vector<Case> cases;
    for (const Dialect* dialect : tables) {
        const FieldValues values = bench_message(*dialect);
        const auto encoded = encode(*dialect, values);
        ENSURE(encoded.has_value());
        cases.push_back(decode_case(*dialect, encoded->body));
        cases.push_back(encode_case(*dialect, values, encoded->body.size()));
        HandParsed parsed;
        if (parse_by_hand(dialect->name(), encoded->body, parsed))
            cases.push_back(hand_written_case(dialect->name(), encoded->body));
    }
    return cases;
}

/// One round of a case, about case_ms long.
double measure(Case& c, double seconds) {
    std::uint64_t n = 1000;
    while (true) {
        const double start = thread_seconds();
        c.run(n);
        const double took = thread_seconds() - start;
        if (took >= seconds) return took * 1e9 / static_cast<double>(n);
        n = took <= 0
                ? n * 10
                : static_cast<std::uint64_t>(static_cast<double>(n) * std::min(10.0, 1.2 * seconds / took)) +
                      1;
    }
}

/// Two runs of different length, so that start-up falls out.
double instructions_of(const std::string& name) {
    const auto run = [&](std::uint64_t n) {
        return count_instructions(fmt::format("codec --only {} --iterations {}", name, n));
    };
    constexpr std::uint64_t few = 200;
    constexpr std::uint64_t many = 2200;
    const double a = run(few);
    const double b = run(many);
    return a > 0 && b > a ? (b - a) / static_cast<double>(many - few) : 0;
}

const Case* find(const std::vector<Case>& cases, const std::string& name) {
    const auto c = std::find_if(cases.begin(), cases.end(), [&](const Case& x) { return x.name == name; });
    return c == cases.end() ? nullptr : &*c;
}

/// How many times the hand-written parse of the same bytes, 0 when there is none. A loaded table has the
/// bytes of the built-in one.
double ratio(const std::vector<Case>& cases, const Case& c) {
    std::string dialect = c.name.substr(c.name.find('.') + 1);
    if (dialect.rfind(loaded_prefix, 0) == 0) dialect.erase(0, loaded_prefix.size());
    const Case* hand = find(cases, "hand-written." + dialect);
    return hand == nullptr || hand == &c ? 0 : c.median() / hand->median();
}

void print_table(const std::vector<Case>& cases) {
    fmt::print("{:<32} {:>6} {:>9} {:>9} {:>8} {:>13}\n", "", "bytes", "ns", "best ns", "x hand",
               "instructions");
    for (const Case& c : cases) {
        const double r = ratio(cases, c);
        fmt::print("{:<32} {:>6} {:>9.1f} {:>9.1f} {:>8} {:>13}\n", c.name, c.bytes, c.median(), c.best(),
                   r > 0 ? fmt::format("{:.2f}", r) : "",
                   c.instructions > 0 ? fmt::format("{:.0f}", c.instructions) : "-");
    }
}

bool write_json(const std::vector<Case>& cases, const std::string& file) {
    std::string text;
    for (const Case& c : cases) {
        const auto add = [&](std::string_view figure, double value) {
            text += fmt::format("{}\n  \"{}.{}\": {:.2f}", text.empty() ? "" : ",", c.name, figure, value);
        };
        add("ns", c.median());
        add("best_ns", c.best());
        if (c.instructions > 0) add("instructions", c.instructions);
        if (const double r = ratio(cases, c); r > 0) add("ratio", r);
    }
    FILE* out = std::fopen(file.c_str(), "w");
    if (out == nullptr) return false;
    fmt::print(out, "{{{}\n}}\n", text);
    return std::fclose(out) == 0;
}

}  // namespace

int run_codec_bench(const CodecBenchOptions& options) {
    std::vector<Case> cases = make_cases();
    if (!options.only.empty()) {
        const Case* c = find(cases, options.only);
        if (c == nullptr) {
            fmt::print(stderr, "switch-bench codec: there is no case {}\n", options.only);
            return 1;
        }
        c->run(options.iterations);
        return 0;
    }
    // Rounds in turns, so that a busy second of the machine falls on all cases alike.
    for (std::uint32_t round = 0; round < options.rounds; ++round)
        for (Case& c : cases) c.ns.push_back(measure(c, options.case_ms / 1000.0 / options.rounds));
    if (options.instructions)
        for (Case& c : cases) c.instructions = instructions_of(c.name);
    print_table(cases);
    if (options.json_file.empty() || write_json(cases, options.json_file)) return 0;
    fmt::print(stderr, "switch-bench codec: {} cannot be written\n", options.json_file);
    return 1;
}

}  // namespace bench
