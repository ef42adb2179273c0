// The whole life of a real LMK: two officers at a terminal make it, hsm-sim starts with it, the officers open
// the authorised state, and what they typed was never shown.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "hsm_sim/lmk_file.hpp"
#include "tests/hsm_sim/hsm_process.hpp"
#include "tests/test_paths.hpp"

using namespace hsm;
using hsm::testing::Connection;
using hsm::testing::fresh_path;
using hsm::testing::HsmProcess;

namespace {

// Test components and passphrases; they protect nothing.
const std::string components[] = {"1F0E1D0C1B0A190817061504130211001F0E1D0C1B0A19081706150413021101",
                                  "C0FFEE0123456789ABCDEF00112233445566778899AABBCCDDEEFF0102030405"};
const std::string passphrases[] = {"an unlikely first phrase", "an unlikely second phrase"};

/// hsm-sim at a terminal of its own; everything the terminal showed is kept.
class Terminal {
  public:
    explicit Terminal(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), program_path("hsm-sim"));
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
        if (pid_ == 0) {
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~Terminal() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(terminal_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    /// Waits until the terminal has shown `prompt` after what was expected last, then types the line.
    void answer(const std::string& prompt, const std::string& line) {
        INFO("waiting for '" << prompt << "', shown so far: " << shown_);
        while (shown_.find(prompt, seen_) == std::string::npos) REQUIRE(more());
        seen_ = shown_.find(prompt, seen_) + prompt.size();
        const std::string typed = line + "\n";
        REQUIRE(::write(terminal_, typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
    }
    int finish() {
        while (more()) {
        }
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WEXITSTATUS(status);
    }
    [[nodiscard]] const std::string& shown() const { return shown_; }

  private:
    bool more() {
        pollfd poll{terminal_, POLLIN, 0};
        if (::poll(&poll, 1, 20000) != 1) return false;
        std::array<char, 512> part{};
        const ssize_t got = ::read(terminal_, part.data(), part.size());
        if (got <= 0) return false;
        shown_.append(part.data(), static_cast<std::size_t>(got));
        return true;
    }

    int terminal_ = -1;
    pid_t pid_ = -1;
    std::string shown_;
    std::size_t seen_ = 0;
};

int authorise(const std::string& control, int officer, const std::string& passphrase) {
    Terminal terminal({"authorise", "--control", control, "--officer", std::to_string(officer)});
    terminal.answer("passphrase", passphrase);
    const int code = terminal.finish();
    INFO(terminal.shown());
    CHECK(terminal.shown().find(passphrase) == std::string::npos);
    return code;
}

/// Both officers at one terminal; what they typed must not have been shown.
void hold_ceremony(const std::string& lmk, const std::string& key_file) {
    Terminal ceremony({"ceremony", "--out", lmk, "--key-file", key_file});
    for (int officer = 0; officer < 2; ++officer) {
        // Typed in groups, as it stands on a sheet.
        std::string grouped;
        for (std::size_t i = 0; i < 64; i += 16) grouped += components[officer].substr(i, 16) + " ";
        ceremony.answer("your component", grouped);
        ceremony.answer("check value on your sheet? [y/n]", "y");
        ceremony.answer("a passphrase", passphrases[officer]);
        ceremony.answer("once more", passphrases[officer]);
    }
    ceremony.answer("Write the sealed LMK", "y");
    CHECK(ceremony.finish() == 0);
    const std::string& shown = ceremony.shown();
    INFO(shown);
    for (int officer = 0; officer < 2; ++officer) {
        CHECK(shown.find(passphrases[officer]) == std::string::npos);
        for (std::size_t i = 0; i < 64; i += 16)
            CHECK(shown.find(components[officer].substr(i, 16)) == std::string::npos);
    }
    CHECK(shown.find("check value of the component: ") != std::string::npos);
    CHECK(shown.find("LMK check value: ") != std::string::npos);
}

}  // namespace

TEST_CASE("a slip in the ceremony is asked again, three of them end it, and nothing is written") {
    const std::string lmk = fresh_path("lmk");
    {
        Terminal ceremony({"ceremony", "--out", lmk});
        ceremony.answer("your component", components[0].substr(1));
        ceremony.answer("your component", "");
        ceremony.answer("your component", components[0]);
        ceremony.answer("check value on your sheet? [y/n]", "n");
        CHECK(ceremony.finish() == 1);
        CHECK(ceremony.shown().find("needs 64 hex digits; once again.") != std::string::npos);
        CHECK(ceremony.shown().find("was not confirmed") != std::string::npos);
    }
    Terminal ceremony({"ceremony", "--out", lmk});
    ceremony.answer("your component", components[0]);
    ceremony.answer("check value on your sheet? [y/n]", "n");
    ceremony.answer("your component", components[0]);
    ceremony.answer("check value on your sheet? [y/n]", "y");
    ceremony.answer("a passphrase", "too short");
    ceremony.answer("a passphrase", passphrases[0]);
    ceremony.answer("once more", passphrases[1]);
    ceremony.answer("a passphrase", passphrases[0]);
    ceremony.answer("once more", passphrases[0]);
    ceremony.answer("Officer 2, your component", components[0]);
    ceremony.answer("check value on your sheet? [y/n]", "y");
    ceremony.answer("a passphrase", passphrases[1]);
    ceremony.answer("once more", passphrases[1]);
    CHECK(ceremony.finish() == 1);
    for (const char* said : {"not confirmed; once again.", "shorter than 12 characters; once again.",
                             "differ; once again.", "the two components are equal"})
        CHECK(ceremony.shown().find(said) != std::string::npos);
    for (const std::string& secret : {components[0].substr(1), passphrases[0], passphrases[1]})
        CHECK(ceremony.shown().find(secret) == std::string::npos);
    CHECK(::access(lmk.c_str(), F_OK) != 0);
}

TEST_CASE("two officers make an LMK at the terminal, and hsm-sim works under it") {
    const std::string lmk = fresh_path("lmk");
    const std::string key_file = fresh_path("lmk.key");
    hold_ceremony(lmk, key_file);
    {
        Terminal again({"ceremony", "--out", lmk});
        CHECK(again.finish() == 1);
        CHECK(again.shown().find("never overwrites") != std::string::npos);
    }

    const std::string control = fresh_path("control");
    HsmProcess hsm({"--lmk", lmk, "--lmk-key", key_file, "--control", control, "--authorised-seconds", "60"});
    Connection connection(hsm.port());
    const auto material = combine_lmk_components(parse_lmk_component(components[0]).value(),
                                                 parse_lmk_component(components[1]).value());
    const std::string check = iso8583::to_hex(Lmk(*material).check_value());
    CHECK(connection.exchange("0001NC").substr(8, 16) == check);

    const std::string zmk = connection.exchange("0001A00000U").substr(8, 33);
    const std::string zpk = connection.exchange("0001A00001U").substr(8, 33);
    const std::string export_command = "0001A8001" + zmk + zpk + "X";
    CHECK(connection.exchange(export_command) == "0001A917");
    CHECK(authorise(control, 1, "not the passphrase") == 1);
    CHECK(authorise(control, 2, passphrases[1]) == 0);
    CHECK(connection.exchange(export_command) == "0001A917");
    // Officer 1 waits out the wrong try: asked until the server lets in.
    int code = 1;
    for (int tries = 0; tries < 5000 && code != 0; ++tries) code = authorise(control, 1, passphrases[0]);
    CHECK(code == 0);
    CHECK(connection.exchange(export_command).substr(0, 8) == "0001A900");
    Terminal revoke({"revoke", "--control", control});
    CHECK(revoke.finish() == 0);
    CHECK(connection.exchange(export_command) == "0001A917");
    hsm.signal(SIGTERM);
    CHECK(hsm.wait() == 0);
    const std::string log = hsm.log();
    CHECK(log.find("officer 1") != std::string::npos);
    for (const std::string& secret : {passphrases[0], passphrases[1], components[0], components[1]})
        CHECK(log.find(secret) == std::string::npos);
    CHECK(log.find("test_lmk") == std::string::npos);

    // Without the key file both officers open it at the terminal.
    {
        Terminal start({"--lmk", lmk, "--listen", "127.0.0.1:0"});
        start.answer("Officer 1", passphrases[0]);
        start.answer("Officer 2", "not the passphrase");
        CHECK(start.finish() == 1);
        CHECK(start.shown().find("does not open") != std::string::npos);
    }
    ::unlink(lmk.c_str());
    ::unlink(key_file.c_str());
}
