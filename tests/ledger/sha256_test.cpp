// SHA-256 that can be put down and taken up: the published vectors, and OpenSSL's for every way to cut a
// text.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "ledger/sha256.hpp"

using ledger::digest_text;
using ledger::Sha256;

TEST_CASE("SHA-256 is that of FIPS 180-4") {
    CHECK(digest_text(Sha256().finish({})) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest_text(Sha256().finish(iso8583::as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest_text(Sha256().finish(
              iso8583::as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-256 of a text is OpenSSL's, wherever it was put down and taken up") {
    for (std::size_t size = 0; size <= 4 * Sha256::block_bytes + 1; ++size) {
        iso8583::Bytes text(size);
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::uint8_t>(i * 131 + size);
        const iso8583::ByteView view(text);
        for (std::size_t cut = 0; cut <= size; cut += Sha256::block_bytes) {
            Sha256 first;
            first.add_blocks(view.first(cut));
            const Sha256 again(first.state());
            INFO(size << " bytes, cut at " << cut);
            CHECK(again.finish(view.subspan(cut)) == ledger::audit_sha256(view));
        }
    }
}

TEST_CASE("the text of a digest has one form") {
    const std::string good = digest_text(Sha256().finish({}));
    CHECK(ledger::is_digest_text(good));
    CHECK(!ledger::is_digest_text(good.substr(1)));
    CHECK(!ledger::is_digest_text("E" + good.substr(1)));
    CHECK(!ledger::is_digest_text(""));
}
