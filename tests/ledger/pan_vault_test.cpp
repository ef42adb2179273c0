// Sealing, tokens, and the vault key's file.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "ledger/durable_file.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/vault_key_file.hpp"
#include "ledger/vault_key_format.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::KeyFileKek;
using ledger::PanVault;
using ledger::PanVaultKey;
using ledger::VaultKeys;

namespace {

PanVaultKey test_key(const std::string& siv_hex, std::uint8_t token_byte = 0x55) {
    std::array<std::uint8_t, PanVaultKey::size> bytes{};
    bytes.fill(token_byte);
    const auto siv = iso8583::parse_hex(siv_hex).value();
    std::copy(siv.begin(), siv.end(), bytes.begin());
    return PanVaultKey(bytes);
}
constexpr const char* rfc_key = "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF";
std::string text_of(const std::string& hex) {
    const auto bytes = iso8583::parse_hex(hex).value();
    return std::string(iso8583::as_text(bytes));
}
std::string hex_of(std::string_view text) { return iso8583::to_hex(iso8583::as_bytes(text)); }
iso8583::Pan pan(const char* digits) { return iso8583::Pan::parse(digits).value(); }

struct CountingRandom final : iso8583::RandomSource {
    std::uint8_t next = 1;
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& b : out) b = next++;
    }
};

}  // namespace

TEST_CASE("sealing is AES-SIV: RFC 5297 A.1") {
    const PanVault vault(test_key(rfc_key));
    const std::string record_key = text_of("101112131415161718191A1B1C1D1E1F2021222324252627");
    const std::string text = text_of("112233445566778899AABBCCDDEE");
    const std::string sealed = vault.seal(text, record_key);
    CHECK(hex_of(sealed) ==
          "85632D07C6E8F37F950ACD320A2ECC93"
          "40C02B9690C4DC04DAEF7F6AFE5C");
    CHECK(vault.open(sealed, record_key).value() == text);
}

TEST_CASE("the token is the first half of HMAC-SHA-256, as another program computes it") {
    std::array<std::uint8_t, PanVaultKey::size> bytes{};
    const PanVault vault{PanVaultKey(bytes)};
    // HMAC-SHA-256 with 32 bytes of zero over "4111111111111111".
    CHECK(iso8583::to_hex(vault.token(pan("4111111111111111")).bytes) == "3ACCE036E24FA90A0B060B5655621B33");
}

TEST_CASE("equal cards have equal tokens, others not, and another key gives others") {
    const PanVault vault(test_key(rfc_key));
    const PanVault other(test_key(rfc_key, 0x56));
    CHECK(vault.token(pan("4111111111111111")) == vault.token(pan("4111111111111111")));
    CHECK(vault.token(pan("4111111111111111")) != vault.token(pan("4111111111111129")));
    CHECK(vault.token(pan("4111111111111111")) != other.token(pan("4111111111111111")));
}

TEST_CASE("a sealed PAN opens only unchanged, under its own record and key") {
    const PanVault vault(test_key(rfc_key));
    const std::string sealed = vault.seal("6212345678900000003", "record 1");
    CHECK(sealed.size() == 16 + 19);
    CHECK(sealed.find("6212345678") == std::string::npos);
    CHECK(vault.seal("6212345678900000003", "record 1") == sealed);
    CHECK(vault.seal("6212345678900000003", "record 2") != sealed);
    CHECK(vault.open(sealed, "record 1").value() == "6212345678900000003");
    CHECK_FALSE(vault.open(sealed, "record 2"));
    CHECK_FALSE(vault.open("", "record 1"));
    CHECK_FALSE(vault.open(sealed.substr(0, 16), "record 1"));
    CHECK_FALSE(vault.open(sealed.substr(0, sealed.size() - 1), "record 1"));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 0x10);
        CHECK_FALSE(vault.open(changed, "record 1"));
    }
    const PanVault other(test_key("00" + std::string(rfc_key).substr(2)));
    const auto refused = other.open(sealed, "record 1");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what ==
          "sealed PAN: it was changed, belongs to another record or another vault key");
    // A failure leaves nothing behind that spoils the next use.
    CHECK(vault.open(sealed, "record 1").value() == "6212345678900000003");
}

namespace {

constexpr iso8583::UtcTime noon{1'795'233'600'000};

bool same_keys(const VaultKeys& a, const VaultKeys& b) {
    return a.active == b.active && std::ranges::equal(a.token.reveal(), b.token.reveal()) &&
           std::ranges::equal(a.sealing, b.sealing, [](const auto& x, const auto& y) {
               return x.number == y.number && x.made == y.made &&
                      std::ranges::equal(x.key.reveal(), y.key.reveal());
           });
}

}  // namespace

TEST_CASE("the vault's keys survive a restart and a change of the key-encryption key") {
    const TempDirectory directory;
    CountingRandom random;
    const auto kek = KeyFileKek::create(directory.path("kek"), random);
    REQUIRE(kek);
    const std::string path = directory.path("vault.key");
    const auto made = ledger::load_or_create_vault_keys(path, *kek, random, noon);
    REQUIRE(made);
    const auto again = ledger::load_or_create_vault_keys(path, *kek, random, noon);
    REQUIRE(again);
    CHECK(same_keys(*made, *again));
    CHECK(same_keys(*made, *ledger::load_vault_keys(path, *KeyFileKek::load(directory.path("kek")))));

    const auto new_kek = KeyFileKek::create(directory.path("kek2"), random);
    REQUIRE(ledger::rewrap_vault_keys(path, *kek, *new_kek));
    CHECK(same_keys(*made, *ledger::load_vault_keys(path, *new_kek)));
    CHECK_FALSE(ledger::load_vault_keys(path, *kek));

    // No key lies in its file in clear.
    const auto file = ledger::read_small_file(path, 4096).value().value();
    for (const auto key : {made->token.reveal(), made->sealing.front().key.reveal()})
        CHECK(iso8583::to_hex(file).find(iso8583::to_hex(key.first(16))) == std::string::npos);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a vault's file holds several keys, one of them active, and the token key stays") {
    const TempDirectory directory;
    CountingRandom random;
    const auto kek = KeyFileKek::create(directory.path("kek"), random);
    const std::string path = directory.path("vault.key");
    VaultKeys keys = ledger::load_or_create_vault_keys(path, *kek, random, noon).value();
    const VaultKeys first = keys;
    for (std::uint32_t number = 2; number <= ledger::vault_keys_max; ++number) {
        const iso8583::UtcTime made{noon.ms + number};
        keys = ledger::with_new_key(std::move(keys), number, random, made).value();
        REQUIRE(ledger::replace_vault_keys(path, *kek, keys));
        keys = ledger::load_vault_keys(path, *kek).value();
        CHECK(keys.active == number);
        CHECK(keys.find(number)->made == made);
        CHECK(std::ranges::equal(keys.token.reveal(), first.token.reveal()));
        CHECK(std::ranges::equal(keys.find(1)->key.reveal(), first.find(1)->key.reveal()));
        CHECK_FALSE(std::ranges::equal(keys.find(number)->key.reveal(), keys.find(number - 1)->key.reveal()));
    }
    // Asked for again it is the same one; there is no room for another, and none in between.
    CHECK(same_keys(ledger::with_new_key(keys, keys.active, random, noon).value(), keys));
    CHECK(ledger::with_new_key(keys, 9, random, noon).error().what ==
          "there are 8 vault keys: old ones have to be retired first");
    const VaultKeys gap = ledger::without_key(keys, 4).value();
    CHECK(gap.find(4) == nullptr);
    CHECK(same_keys(ledger::without_key(gap, 4).value(), gap));
    CHECK(ledger::with_new_key(gap, 4, random, noon).error().what ==
          "vault key 4: there is a later one already");
    CHECK_FALSE(ledger::without_key(keys, keys.active));
}

TEST_CASE("a file of the old form is read: one key, number 1, without a date") {
    const TempDirectory directory;
    CountingRandom random;
    const auto kek = KeyFileKek::create(directory.path("kek"), random);
    std::array<std::uint8_t, PanVaultKey::size> bytes{};
    CountingRandom{}.fill(bytes);
    const auto sealed = ledger::seal_key(*kek, bytes).value();
    const VaultKeys keys = ledger::open_vault_keys(sealed, "here", *kek).value();
    CHECK(keys.active == ledger::first_vault_key);
    CHECK(same_keys(keys, VaultKeys::of(PanVaultKey(bytes))));
    CHECK(keys.sealing.front().made.ms == 0);
    // What was sealed and looked up by it still is.
    const PanVault before{PanVaultKey(bytes)};
    const PanVault after{
        ledger::open_vault_keys(ledger::seal_vault_keys(*kek, keys).value(), "", *kek).value()};
    CHECK(after.open(before.seal("6212345678900000003", "record 1"), "record 1").value() ==
          "6212345678900000003");
    CHECK(after.token(pan("4111111111111111")) == before.token(pan("4111111111111111")));
    // A vault's file is no other key, and no other key is a vault's file.
    CHECK_FALSE(ledger::open_sealed_key(ledger::seal_vault_keys(*kek, keys).value(), "here", *kek));
    CHECK(ledger::open_vault_keys(ledger::seal_key(*kek, iso8583::Bytes(32, 7)).value(), "here", *kek)
              .error()
              .what == "vault key here: its keys are not 64 bytes long");
}

TEST_CASE("numbers, dates and states of keys are nobody's to change") {
    CountingRandom random;
    const TempDirectory directory;
    const auto kek = KeyFileKek::create(directory.path("kek"), random);
    const VaultKeys keys =
        ledger::with_new_key(ledger::new_vault_keys(random, noon), 2, random, noon).value();
    const auto file = ledger::decode_vault_key_file(ledger::seal_vault_keys(*kek, keys).value()).value();
    const auto refused = [&](auto change, const std::string& why) {
        ledger::SealedVaultKeys changed = file;
        change(changed);
        const auto opened = ledger::open_vault_keys(ledger::encode(changed), "here", *kek);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().what.find(why) != std::string::npos);
    };
    const std::string changed = "numbers, dates or states of its keys were changed";
    refused([](auto& f) { f.keys[1].made.ms += 1; }, changed);
    refused([](auto& f) { f.keys[1].number = 3; }, changed);
    refused([](auto& f) { std::swap(f.keys[0].active, f.keys[1].active); }, changed);
    refused([](auto& f) { f.mac[0] ^= 1; }, changed);
    refused(
        [](auto& f) {
            f.keys.pop_back();
            f.keys[0].active = true;
        },
        "its keys are not 64 bytes long");
    refused([](auto& f) { f.keys[0].number = 2; }, "key.number");
    refused([](auto& f) { f.keys[0].active = true; }, "not one of them is active");
    refused([](auto& f) { f.keys[1].active = false; }, "not one of them is active");
    refused([](auto& f) { f.sealed_by = "LMK"; }, "it is sealed under \"LMK\", not under \"key file\"");
    refused([](auto& f) { f.wrapped[3] ^= 1; }, "it was changed or wrapped under another key file");
    refused([](auto& f) { f.keys.resize(9, f.keys.back()); }, "keys");
}

TEST_CASE("a vault opens what any of its keys has sealed, and seals under the active one") {
    CountingRandom random;
    VaultKeys keys = ledger::new_vault_keys(random, noon);
    PanVault vault(keys);
    const std::string old = vault.seal("6212345678900000003", "record 1");
    keys = ledger::with_new_key(std::move(keys), 2, random, noon).value();
    vault.hold(keys);
    CHECK(vault.active() == 1);  // until it is told so
    CHECK(vault.seal("6212345678900000003", "record 1") == old);
    vault.use(2);
    const std::string fresh = vault.seal("6212345678900000003", "record 1");
    CHECK(fresh != old);
    CHECK(vault.open(fresh, "record 1", 2).value() == "6212345678900000003");
    CHECK(vault.open(old, "record 1", 1).value() == "6212345678900000003");
    CHECK_FALSE(vault.open(old, "record 1", 2));
    CHECK_FALSE(vault.open(fresh, "record 1", 1));
    CHECK(vault.open(fresh, "record 1", 3).error().what ==
          "sealed PAN: the vault has no key 3, which sealed it");
    CHECK(vault.token(pan("4111111111111111")) ==
          PanVault(ledger::without_key(keys, 1).value()).token(pan("4111111111111111")));
    vault.hold(ledger::without_key(keys, 1).value());
    CHECK_FALSE(vault.has(1));
    CHECK_FALSE(vault.open(old, "record 1", 1));
    CHECK(vault.open(fresh, "record 1", 2).value() == "6212345678900000003");
    CHECK(vault.keys() == std::vector<ledger::VaultKeyInfo>{{2, noon}});
}

TEST_CASE("a key that is wiped is gone from the disk, not only from the file") {
    const TempDirectory directory;
    CountingRandom random;
    const auto kek = KeyFileKek::create(directory.path("kek"), random);
    const std::string path = directory.path("vault.key");
    const VaultKeys keys =
        ledger::with_new_key(ledger::new_vault_keys(random, noon), 2, random, noon).value();
    REQUIRE(ledger::replace_vault_keys(path, *kek, keys));
    // Whoever held the file open sees what is left of it.
    std::ifstream before(path, std::ios::binary);
    REQUIRE(before.get() != EOF);
    before.seekg(0);
    REQUIRE(ledger::replace_vault_keys(path, *kek, ledger::without_key(keys, 1).value()));
    const std::string left((std::istreambuf_iterator<char>(before)), {});
    CHECK_FALSE(left.empty());
    CHECK(left.find_first_not_of('\0') == std::string::npos);
    // A second name is somebody's copy, which is left to him.
    std::filesystem::create_hard_link(path, directory.path("copy"));
    const auto kept = ledger::read_small_file(directory.path("copy"), 4096).value();
    REQUIRE(ledger::replace_vault_keys(path, *kek, keys));
    CHECK(ledger::read_small_file(directory.path("copy"), 4096).value() == kept);
}

TEST_CASE("AES-256 key wrap is that of RFC 3394, 4.6") {
    const TempDirectory directory;
    const std::string key = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    REQUIRE(ledger::write_file_durably(directory.path("kek"), iso8583::as_bytes(key + "\n")));
    const auto kek = KeyFileKek::load(directory.path("kek"));
    REQUIRE(kek);
    const auto data =
        iso8583::parse_hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F").value();
    const auto wrapped = kek->wrap(data).value();
    CHECK(iso8583::to_hex(wrapped) ==
          "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
    CHECK(kek->unwrap(wrapped).value() == data);
}

TEST_CASE("bad key files are refused with what is wrong") {
    const TempDirectory directory;
    CountingRandom random;
    const auto kek = KeyFileKek::create(directory.path("kek"), random);
    const std::string path = directory.path("vault.key");
    const auto write = [&](const std::string& name, const std::string& text) {
        REQUIRE(ledger::write_file_durably(directory.path(name), iso8583::as_bytes(text)));
    };
    const auto contains = [](const auto& result, const std::string& part) {
        REQUIRE_FALSE(result);
        INFO(result.error().what);
        CHECK(result.error().what.find(part) != std::string::npos);
    };
    contains(ledger::load_vault_keys(path, *kek), "the file is missing");
    REQUIRE(ledger::load_or_create_vault_keys(path, *kek, random, noon));

    auto bytes = ledger::read_small_file(path, 4096).value().value();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto changed = bytes;
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ 1);
        write("vault.key", std::string(iso8583::as_text(changed)));
        contains(ledger::load_or_create_vault_keys(path, *kek, random, noon), "the checksum is wrong");
    }
    write("vault.key", "");
    contains(ledger::load_or_create_vault_keys(path, *kek, random, noon), "shorter than");
    write("vault.key", std::string(5000, 'x'));
    contains(ledger::load_or_create_vault_keys(path, *kek, random, noon), "longer than 4096 bytes");

    contains(KeyFileKek::create(directory.path("kek"), random), "exists already");
    contains(KeyFileKek::load(directory.path("none")), "cannot be found");
    write("short", "0011\n");
    contains(KeyFileKek::load(directory.path("short")), "64 hex digits");
    REQUIRE(::chmod(directory.path("kek").c_str(), 0640) == 0);
    contains(KeyFileKek::load(directory.path("kek")), "others than its owner may use it");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("sealing, opening and tokens stay cheap") {
    const PanVault vault(test_key(rfc_key));
    const auto card = pan("6212345678900000003");
    const auto microseconds_each = [](auto work) {
        constexpr int rounds = 20'000;
        double best = 1e9;
        for (int attempt = 0; attempt < 3; ++attempt) {
            const auto start = std::chrono::steady_clock::now();
            for (int i = 0; i < rounds; ++i) work();
            const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
            best = std::min(best, took.count() / rounds);
        }
        return best;
    };
    const std::string sealed = vault.seal(card.reveal(), "record 1");
    const double seal = microseconds_each([&] { (void)vault.seal(card.reveal(), "record 1"); });
    const double open = microseconds_each([&] { (void)vault.open(sealed, "record 1"); });
    const double token = microseconds_each([&] { (void)vault.token(card); });
    const double fresh =
        microseconds_each([&] { (void)PanVault(test_key(rfc_key)).seal(card.reveal(), "record 1"); });
    INFO("microseconds: seal " << seal << ", open " << open << ", token " << token << ", with a new vault "
                               << fresh);
    // The budget is 2 µs each. What must not come back is the scheduling of keys for every PAN, and that is a
    // ratio, good on any machine.
    CHECK(seal * 2 < fresh);
    CHECK(open * 2 < fresh);
    CHECK(token * 2 < fresh);
}
#endif
