// Our AES-SIV gives what OpenSSL's gives, for every length of text and associated data around the blocks.
#include <openssl/evp.h>

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <vector>

#include "ledger/aes_siv.hpp"

using ledger::AesSiv;

namespace {

std::string random_text(std::mt19937_64& rng, std::size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(rng());
    return out;
}

const std::uint8_t* data_of(const std::string& text) { return iso8583::as_bytes(text).data(); }

std::string sealed_by_openssl(const std::string& key, const std::string& text,
                              const std::string& associated) {
    const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> siv(
        EVP_CIPHER_fetch(nullptr, "AES-128-SIV", nullptr), EVP_CIPHER_free);
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free);
    REQUIRE(siv);
    int size = 0;
    std::vector<std::uint8_t> out(AesSiv::iv_bytes + text.size());
    REQUIRE(EVP_EncryptInit_ex2(context.get(), siv.get(), data_of(key), nullptr, nullptr) == 1);
    REQUIRE(EVP_EncryptUpdate(context.get(), nullptr, &size, data_of(associated),
                              static_cast<int>(associated.size())) == 1);
    REQUIRE(EVP_EncryptUpdate(context.get(), out.data() + AesSiv::iv_bytes, &size, data_of(text),
                              static_cast<int>(text.size())) == 1);
    REQUIRE(EVP_EncryptFinal_ex(context.get(), out.data() + out.size(), &size) == 1);
    REQUIRE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, AesSiv::iv_bytes, out.data()) == 1);
    return std::string(iso8583::as_text(out));
}

}  // namespace

TEST_CASE("AES-SIV seals as OpenSSL does, and opens nothing that was changed") {
    std::mt19937_64 rng(5297);
    for (const std::size_t text_size :
         {1U, 2U, 12U, 15U, 16U, 17U, 19U, 31U, 32U, 33U, 48U, 63U, 64U, 65U, 200U, 5000U})
        for (const std::size_t associated_size : {1U, 13U, 15U, 16U, 17U, 32U, 40U}) {
            const std::string key = random_text(rng, AesSiv::key_bytes);
            const std::string text = random_text(rng, text_size);
            const std::string associated = random_text(rng, associated_size);
            CAPTURE(text_size, associated_size);
            AesSiv siv(iso8583::as_bytes(key));
            std::vector<std::uint8_t> sealed(AesSiv::iv_bytes + text_size);
            siv.seal(text, associated, sealed.data());
            CHECK(std::string(iso8583::as_text(sealed)) == sealed_by_openssl(key, text, associated));

            std::vector<std::uint8_t> opened(text_size, 0xEE);
            CHECK(siv.open(iso8583::as_text(sealed), associated, opened.data()));
            CHECK(iso8583::as_text(opened) == text);
            sealed[rng() % sealed.size()] ^= static_cast<std::uint8_t>(1U << rng() % 8);
            CHECK_FALSE(siv.open(iso8583::as_text(sealed), associated, opened.data()));
            CHECK(opened == std::vector<std::uint8_t>(text_size, 0));
        }
}

TEST_CASE("AES-SIV counts over the end of a byte of its counter") {
    // An IV is chance: of 300 texts of 20,000 bytes, 1,250 blocks each, every one carries over the last byte.
    std::mt19937_64 rng(29);
    const std::string key = random_text(rng, AesSiv::key_bytes), text = random_text(rng, 20000);
    AesSiv siv(iso8583::as_bytes(key));
    std::vector<std::uint8_t> sealed(AesSiv::iv_bytes + text.size());
    for (int i = 0; i < 300; ++i) {
        const std::string associated = "record " + std::to_string(i);
        siv.seal(text, associated, sealed.data());
        REQUIRE(iso8583::as_text(sealed) == sealed_by_openssl(key, text, associated));
    }
}
