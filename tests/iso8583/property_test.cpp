// Properties that hold for generated messages of every dialect, and for what is left of them after damage.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "iso8583/codec.hpp"
#include "iso8583/describe.hpp"
#include "iso8583/subfields.hpp"
#include "tests/iso8583/generated_message.hpp"

namespace {
// Counted, so that a test can say that nothing is allocated.
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* p = std::malloc(size)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace iso8583;

TEST_CASE("decode(encode(x)) = x, and encode(decode(bytes)) = bytes") {
    for (std::string_view name : dialect_names()) {
        INFO(name);
        const Dialect& d = *find_dialect(name);
        tests::Random random(0x8583);
        for (int i = 0; i < 500; ++i) {
            const FieldValues v = tests::generated_message(d, random);
            const auto encoded = encode(d, v);
            INFO("message " << i << (encoded ? "" : encoded.error().str()));
            REQUIRE(encoded.has_value());
            const auto m = decode(d, encoded->body);
            INFO((m ? "" : m.error().str()));
            REQUIRE(m.has_value());
            REQUIRE(m->mti() == v.mti());
            REQUIRE(m->present() == v.present());
            v.for_each([&](Field f, std::string_view content) { REQUIRE(m->get(f) == content); });
            const auto again = encode(d, m->values());
            REQUIRE(again.has_value());
            REQUIRE(again->body == encoded->body);
        }
    }
}

TEST_CASE("a damaged message is refused, or is a message that encodes and decodes to itself") {
    for (std::string_view name : dialect_names()) {
        INFO(name);
        const Dialect& d = *find_dialect(name);
        tests::Random random(0xDA3A6E);
        std::size_t refused = 0;
        for (int i = 0; i < 1000; ++i) {
            const auto encoded = encode(d, tests::generated_message(d, random));
            const Bytes body = tests::mutated(encoded->body, random);
            INFO("message " << i << " " << to_hex(body));
            Message partial;
            const auto m = decode(d, body, &partial);
            if (!m) {
                ++refused;
                REQUIRE(m.error().offset <= body.size());
                REQUIRE_FALSE(m.error().str().empty());
                // What is left can be looked at, and every byte of it lies in the message.
                partial.present().for_each([&](int n) {
                    REQUIRE(partial.offset(field(n)) + partial.raw(field(n)).size() <= body.size());
                });
                static_cast<void>(describe(partial));
                static_cast<void>(describe_json(partial));
                static_cast<void>(describe_bytes(partial));
                static_cast<void>(decode(d, body, {.content_warnings = true}));
                continue;
            }
            const auto again = encode(d, m->values());
            INFO((again ? "" : again.error().str()));
            REQUIRE(again.has_value());
            const auto third = decode(d, again->body);
            REQUIRE(third.has_value());
            REQUIRE(describe_json(*third) == describe_json(*m));
        }
        CHECK(refused > 100);
    }
}

TEST_CASE("what is refused on the wire is refused when encoding, and the other way round") {
    // A content is put on the wire by hand; then encode is asked the same question.
    tests::Random random(0x57C1);
    const Dialect& d = *find_dialect("iso87-ascii");
    for (const FieldSpec& spec : d.spec().fields) {
        if (!spec.fixed() || spec.content == Content::b) continue;
        for (int i = 0; i < 50; ++i) {
            std::string content;
            for (std::size_t u = 0; u < spec.max; ++u)
                content.push_back(static_cast<char>(0x20 + random.below(0x60)));
            FieldValues v(Mti::of(200));
            v.set(field(spec.number), content);
            const bool encodes = encode(d, v).has_value();
            FieldSet bits;
            bits.add(spec.number);
            if (spec.number > 64) bits.add(1);
            std::string body = "0200";
            for (std::size_t w = 0; w < (spec.number > 64 ? 2U : 1U); ++w)
                body += to_hex(
                    Bytes{static_cast<std::uint8_t>(bits[w] >> 56), static_cast<std::uint8_t>(bits[w] >> 48),
                          static_cast<std::uint8_t>(bits[w] >> 40), static_cast<std::uint8_t>(bits[w] >> 32),
                          static_cast<std::uint8_t>(bits[w] >> 24), static_cast<std::uint8_t>(bits[w] >> 16),
                          static_cast<std::uint8_t>(bits[w] >> 8), static_cast<std::uint8_t>(bits[w])});
            body += content;
            INFO("DE" << int{spec.number} << " \"" << content << "\"");
            REQUIRE(decode(d, Bytes(body.begin(), body.end())).has_value() == encodes);
        }
    }
}

TEST_CASE("decode and encode allocate nothing once their buffers have grown") {
    for (const char* name : {"unionpay-pos", "iso87-ascii", "iso87-bcd", "87-ebcdic-binbmp"}) {
        INFO(name);
        const Dialect& d = *find_dialect(name);
        tests::Random random(0xA110C);
        FieldValues v = tests::generated_message(d, random);
        while (v.present().size() < 20) v = tests::generated_message(d, random);
        EncodedMessage out;
        REQUIRE_FALSE(encode_into(d, v, out).has_value());
        const Bytes body = out.body;
        Message message;
        Bytes buffer = body;
        REQUIRE_FALSE(decode_into(d, buffer, message).has_value());
        buffer = body;
        std::size_t failures = 0;
        const std::size_t before = allocations;
        for (int i = 0; i < 100; ++i) {
            failures += decode_into(d, buffer, message).has_value() ? 1U : 0U;
            failures += encode_into(d, v, out).has_value() ? 1U : 0U;
        }
        CHECK(allocations == before);
        CHECK(failures == 0);
    }
}
