// Looks through memory for what must not be there: after an operation no clear key and no PIN is left in the
// process, nor in a core dump, nor in hsm-sim's memory; and hsm-sim leaves no core dump at all.
//
// The test itself never has the clear values: it knows them masked, and asks with key blocks and encrypted
// PINs. Keyed DES ciphers hold schedules, not keys. A keyed AES cipher holds its key (that is what an AES
// schedule begins with), so AES keys are looked for when the engine has gone.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <span>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/payshield.hpp"
#include "hsm_sim/stack_wipe.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/hsm_process.hpp"

using namespace hsm;
using hsm::testing::Connection;
using hsm::testing::fresh_path;
using hsm::testing::HsmProcess;

namespace {

constexpr std::uint8_t mask = 0x5C;

/// Bytes that stand masked in this program's memory.
struct Needle {
    std::string_view name;
    std::array<std::uint8_t, 16> masked;
    std::size_t size;
};

/// Evaluated by the compiler, so that the clear bytes are in no section of the program.
template <std::size_t N>
consteval Needle needle(std::string_view name, const std::uint8_t (&clear)[N]) {
    Needle out{name, {}, N};
    for (std::size_t i = 0; i < N; ++i) out.masked[i] = static_cast<std::uint8_t>(clear[i] ^ mask);
    return out;
}

constexpr Needle tdes_needles[] = {
    needle("TAK",
           {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x23, 0x23, 0x23, 0x23, 0x23, 0x23, 0x23, 0x23}),
    needle("TPK",
           {0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45}),
    needle("ZPK",
           {0x76, 0x76, 0x76, 0x76, 0x76, 0x76, 0x76, 0x76, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89}),
    needle("ZAK",
           {0x54, 0x54, 0x54, 0x54, 0x54, 0x54, 0x54, 0x54, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67}),
    needle("PIN as digits", {9, 1, 8, 2, 7, 3, 6, 4, 5, 0, 9, 1}),
    needle("PIN as text", {'9', '1', '8', '2', '7', '3', '6', '4', '5', '0', '9', '1'}),
    needle("PIN in format 0", {0x0C, 0x91, 0x82, 0x73, 0x64, 0x50, 0x91, 0xFF}),
    needle("PIN block in format 0", {0x0C, 0x91, 0x93, 0x62, 0x75, 0x41, 0x80, 0xEE}),
    needle("PIN in format 4", {0x4C, 0x91, 0x82, 0x73, 0x64, 0x50, 0x91, 0xAA}),
};
// Test keys of this file alone: those of the demo are counting bytes, which stand in many tables of
// libraries.
constexpr std::string_view aes_zak =
    "SD0128M6AC00N0200LB07ZAKPB0900000C1CF6C78D5E3132A1682454ADA4EEF81B5EFC622E29F3E2BCB6E6FCADCF1F26E88992ED"
    "657A1A4F04CD4A669FA56C7A9";
constexpr std::string_view aes_zpk =
    "SD0128P0AB00N0200LB07ZPKPB0900000522A5E9193150C06FB36E82B76552E50E9BBFA1FB22DAB41A46A3AE3035533AA7687D50"
    "3B045DEC28AF06B4E5421DEA7";
constexpr Needle aes_needles[] = {
    needle("AES ZAK",
           {0x5E, 0x9A, 0x41, 0xC7, 0xD2, 0x3B, 0x8F, 0x06, 0xE1, 0x74, 0x0C, 0xBD, 0x59, 0x26, 0xA8, 0x83}),
    needle("AES ZPK",
           {0xB7, 0x0E, 0x62, 0xD9, 0x14, 0x8C, 0x35, 0xFA, 0x4D, 0x91, 0xE8, 0x20, 0x77, 0xC3, 0x5A, 0x1F}),
};

/// 918273645091 for 4111111111111111, format 0, under the test TPK.
constexpr std::string_view encrypted_pin = "C4F7D6DC33E31934";

bool holds(std::span<const std::uint8_t> memory, const Needle& wanted) {
    const std::uint8_t first = wanted.masked[0] ^ mask;
    const std::uint8_t* at = memory.data();
    const std::uint8_t* const end = memory.data() + memory.size();
    while (static_cast<std::size_t>(end - at) >= wanted.size) {
        at = static_cast<const std::uint8_t*>(
            std::memchr(at, first, static_cast<std::size_t>(end - at) - wanted.size + 1));
        if (at == nullptr) return false;
        std::size_t same = 1;
        while (same < wanted.size && (at[same] ^ mask) == wanted.masked[same]) ++same;
        if (same == wanted.size) return true;
        ++at;
    }
    return false;
}

/// Names of the needles found in the memory of a process; "unreadable" when it may not be read.
std::string search_process(const std::string& pid, std::span<const Needle> wanted) {
    std::ifstream maps("/proc/" + pid + "/maps");
    const int memory = ::open(("/proc/" + pid + "/mem").c_str(), O_RDONLY);
    if (memory < 0) return "unreadable";
    std::string found;
    std::size_t read_bytes = 0;
    // A mapping of its own for what is read, left out of the search when the process is this one.
    static std::vector<std::uint8_t> copy;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t from = 0;
        std::uintptr_t to = 0;
        std::array<char, 8> rights{};
        if (std::sscanf(line.c_str(), "%lx-%lx %7s", &from, &to, rights.data()) != 3) continue;
        if (rights[0] != 'r' || line.find("[vvar]") != std::string::npos || to - from > 256U * 1024 * 1024)
            continue;
        const auto mine = reinterpret_cast<std::uintptr_t>(copy.data());
        if (pid == "self" && mine >= from && mine < to && copy.size() > 128 * 1024) continue;
        copy.resize(std::max<std::size_t>(copy.size(), 1024 * 1024));
        for (std::uintptr_t at = from; at < to; at += copy.size() - 32) {
            const ssize_t got = ::pread(memory, copy.data(), std::min<std::size_t>(copy.size(), to - at),
                                        static_cast<off_t>(at));
            if (got <= 0) break;
            read_bytes += static_cast<std::size_t>(got);
            for (const Needle& needle : wanted)
                if (holds({copy.data(), static_cast<std::size_t>(got)}, needle))
                    found += std::string(needle.name) + "; ";
        }
    }
    std::memset(copy.data(), 0, copy.size());
    ::close(memory);
    return read_bytes < 100 * 1024 ? "unreadable" : found;
}

KeyBlock block(std::string_view text) { return *KeyBlock::parse(text); }

/// One of everything, with every test key.
void operate(HsmEngine& engine) {
    const MacProfile retail{MacAlgorithm::retail, MacPadding::zeros};
    const auto done = [](const Reply& reply) {
        if (!reply) std::abort();
    };
    done(engine.perform(GenerateMac{KeyKind::tak, block(test_keys::tak), retail, {1, 2, 3}}));
    done(engine.perform(GenerateMac{KeyKind::zak, block(test_keys::zak), retail, {1, 2, 3}}));
    done(engine.perform(GenerateMac{KeyKind::zak, block(aes_zak), {MacAlgorithm::aes_cmac, {}}, {1, 2, 3}}));
    const auto pan = *iso8583::Pan::parse("4111111111111111");
    const auto pin = *iso8583::parse_hex(encrypted_pin);
    for (const auto to : {PinBlockFormat::iso0, PinBlockFormat::iso3})
        done(engine.perform(TranslatePin{KeyKind::tpk, block(test_keys::tpk), block(test_keys::zpk),
                                         PinBlockFormat::iso0, to, pin, pan}));
    done(engine.perform(TranslatePin{KeyKind::tpk, block(test_keys::tpk), block(aes_zpk),
                                     PinBlockFormat::iso0, PinBlockFormat::iso4, pin, pan}));
    done(engine.perform(GenerateTerminalKeys{block(test_keys::tmk), false, true}));
    // And a refusal, which has decrypted as well.
    const auto other = *iso8583::Pan::parse("4222222222222220");
    if (engine.perform(TranslatePin{KeyKind::tpk, block(test_keys::tpk), block(test_keys::zpk),
                                    PinBlockFormat::iso0, PinBlockFormat::iso0, pin, other}))
        std::abort();
}

/// The only core file in a folder, or "".
std::string core_in(const std::string& folder) {
    std::string found;
    DIR* directory = ::opendir(folder.c_str());
    for (const dirent* entry = ::readdir(directory); entry != nullptr; entry = ::readdir(directory))
        if (std::strncmp(entry->d_name, "core", 4) == 0) found = folder + "/" + entry->d_name;
    ::closedir(directory);
    return found;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool stacks_can_be_read = false;
#else
constexpr bool stacks_can_be_read = true;
#endif

/// A stack of one's own, on which one call runs and which is looked through afterwards.
class OwnStack {
  public:
    static constexpr std::size_t bytes = 256 * 1024;
    static constexpr std::size_t callers_bytes =
        2 * 1024;  // frames of those who ask; they hold nothing in clear

    /// Names of the needles that `call` has left.
    std::string left_by(const std::function<void()>& call) {
        std::fill(memory_.begin(), memory_.end(), std::uint8_t{0});
        running_ = &call;
        ::getcontext(&inside_);
        inside_.uc_stack.ss_sp = memory_.data();
        inside_.uc_stack.ss_size = memory_.size();
        inside_.uc_link = &outside_;
        ::makecontext(&inside_, &OwnStack::enter, 0);
        current_ = this;
        ::swapcontext(&outside_, &inside_);
        std::string found;
        for (const Needle& needle : tdes_needles)
            if (holds(memory_, needle)) found += std::string(needle.name) + "; ";
        return found;
    }
    /// Nothing but zeros from so many bytes below the top to so many.
    [[nodiscard]] bool is_clean_between(std::size_t from, std::size_t to) const {
        return std::all_of(memory_.end() - static_cast<std::ptrdiff_t>(to),
                           memory_.end() - static_cast<std::ptrdiff_t>(from),
                           [](std::uint8_t b) { return b == 0; });
    }
    /// How far down the call went: to its last byte that is not 0.
    [[nodiscard]] std::size_t depth() const {
        const auto first =
            std::find_if(memory_.begin(), memory_.end(), [](std::uint8_t b) { return b != 0; });
        return static_cast<std::size_t>(memory_.end() - first);
    }

  private:
    static void enter() { (*current_->running_)(); }
    static inline OwnStack* current_ = nullptr;
    std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(bytes);
    const std::function<void()>* running_ = nullptr;
    ucontext_t inside_{};
    ucontext_t outside_{};
};

}  // namespace

TEST_CASE("no PIN block and no PIN is left on the stack of a call: found there in 3 of 3 runs") {
    if (!stacks_can_be_read) {
        std::cerr << "SKIPPED: a sanitizer has its own mind about stacks\n";
        return;
    }
    OpensslRandom random;
    HsmEngine engine(Lmk::test(), random);
    const auto pan = *iso8583::Pan::parse("4111111111111111");
    const auto other = *iso8583::Pan::parse("4222222222222220");
    const auto pin = *iso8583::parse_hex(encrypted_pin);
    const auto ask = [&](std::string_view to, PinBlockFormat format, const iso8583::Pan& of) {
        return engine.perform(TranslatePin{KeyKind::tpk, block(test_keys::tpk), block(to),
                                           PinBlockFormat::iso0, format, pin, of});
    };
    const PinToVerify verified{KeyKind::tpk, std::string(test_keys::tpk), PinBlockFormat::iso0, pin,
                               PinAccount::of(pan)};
    // A PVK of this test alone (it shares the TPK's pair of the LMK).
    const std::string pvk(test_keys::tpk);
    const std::string table = engine.encrypt_decimalisation_table("1234567890123456").value();
    OwnStack stack;
    struct Row {
        std::string_view call;
        std::function<void()> run;
    };
    const Row rows[] = {
        {"format 0 to 0", [&] { (void)ask(test_keys::zpk, PinBlockFormat::iso0, pan); }},
        {"format 0 to 3", [&] { (void)ask(test_keys::zpk, PinBlockFormat::iso3, pan); }},
        {"format 0 to 4", [&] { (void)ask(aes_zpk, PinBlockFormat::iso4, pan); }},
        {"refused: another account", [&] { (void)ask(test_keys::zpk, PinBlockFormat::iso0, other); }},
        {"CA", [&] { (void)engine.translate_pin(verified, test_keys::zpk, PinBlockFormat::iso0); }},
        {"DA",
         [&] {
             (void)engine.verify_pin(VerifyIbmPin{verified, pvk, 4, table, {}, "0000"});
         }},
        {"DC",
         [&] {
             (void)engine.verify_pin(VerifyVisaPin{verified, pvk, '1', "0000"});
         }},
    };
    for (const Row& row : rows)
        for (int run = 0; run < 3; ++run) {
            INFO(row.call << ", run " << run);
            CHECK(stack.left_by(row.run).empty());
            // And nothing else is left there either; no call went deeper than what is wiped.
            CHECK(stack.is_clean_between(OwnStack::callers_bytes, stack_wiped_bytes));
            CHECK(stack.depth() < OwnStack::callers_bytes + stack_wiped_bytes);
        }
    // The search on that stack finds what is there: the same PIN, left by a call that does not wipe.
    CHECK(stack.left_by([] {
        volatile std::uint8_t left[12];
        for (std::size_t i = 0; i < 12; ++i) left[i] = tdes_needles[4].masked[i] ^ mask;
        static_cast<void>(left[0]);
    }) == "PIN as digits; ");
}

TEST_CASE("the search finds what is there") {
    auto planted = std::make_unique<std::array<std::uint8_t, 16>>();
    for (std::size_t i = 0; i < 16; ++i) (*planted)[i] = tdes_needles[0].masked[i] ^ mask;
    const std::string found = search_process("self", tdes_needles);
    iso8583::zeroise(planted->data(), planted->size());
    CHECK(found == "TAK; ");
}

TEST_CASE("no clear key and no PIN is left in the process after an operation") {
    OpensslRandom random;
    auto engine = std::make_unique<HsmEngine>(Lmk::test(), random);
    operate(*engine);
    CHECK(search_process("self", tdes_needles).empty());
    engine.reset();
    CHECK(search_process("self", tdes_needles).empty());
    CHECK(search_process("self", aes_needles).empty());
}

TEST_CASE("no clear key and no PIN is in a core dump") {
    std::ifstream pattern_file("/proc/sys/kernel/core_pattern");
    std::string pattern;
    std::getline(pattern_file, pattern);
    if (pattern.empty() || pattern[0] == '|' || pattern[0] == '/') {
        std::cerr << "SKIPPED: this machine hands core dumps elsewhere (" << pattern << ")\n";
        return;
    }
    const std::string folder = fresh_path("core");
    REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_CORE, &all);
        if (::chdir(folder.c_str()) != 0) ::_exit(1);
        {
            OpensslRandom random;
            HsmEngine engine(Lmk::test(), random);
            operate(engine);
        }
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::string core = core_in(folder);
    if (core.empty() || !WCOREDUMP(status)) {
        std::cerr << "SKIPPED: no core dump was written (limit of this session)\n";
    } else {
        std::ifstream in(core, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        REQUIRE(bytes.size() > 100 * 1024);
        const auto view = iso8583::as_bytes(bytes);
        for (const Needle& needle : tdes_needles) {
            INFO(needle.name);
            CHECK_FALSE(holds(view, needle));
        }
        for (const Needle& needle : aes_needles) {
            INFO(needle.name);
            CHECK_FALSE(holds(view, needle));
        }
        ::unlink(core.c_str());
    }
    ::rmdir(folder.c_str());
}

TEST_CASE("hsm-sim keeps no clear key and no PIN, and leaves no core dump") {
    HsmProcess hsm({"--authorised"});
    Connection connection(hsm.port());
    const std::string tpk(test_keys::tpk);
    const std::string zpk(test_keys::zpk);
    const std::string pin(encrypted_pin);
    CHECK(connection.exchange("0001CA" + tpk + zpk + "12" + pin + "0101111111111111").substr(0, 8) ==
          "0001CB00");
    CHECK(connection.exchange("0001CA" + tpk + zpk + "12" + pin + "0101222222222222") == "0001CB20");
    CHECK(connection.exchange("0001M600131003" + std::string(test_keys::tak) + "0003abc").substr(0, 8) ==
          "0001M700");
    CHECK(connection.exchange("0001M600131008" + std::string(test_keys::zak) + "0003abc").substr(0, 8) ==
          "0001M700");
    CHECK(connection.exchange("0001HC" + std::string(test_keys::tmk)).substr(0, 8) == "0001HD00");
    const std::string found = search_process(std::to_string(hsm.pid()), tdes_needles);
    if (found == "unreadable")
        std::cerr << "SKIPPED: the memory of hsm-sim may not be read by this user (as it should be)\n";
    else
        CHECK(found.empty());
    hsm.signal(SIGSEGV);
    CHECK(hsm.wait() == 128 + SIGSEGV);
    CHECK_FALSE(hsm.dumped_core());
}
