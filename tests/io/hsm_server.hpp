// An HSM behind a port, for tests of the switch's client: the real engine and host commands, and bad manners
// on request.
//
// Thread: one for each connection, one command at a time. Ownership: stops and joins in its destructor.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/openssl_random.hpp"
#include "tests/io/stack.hpp"

namespace io_test {

/// What an HSM may do instead of answering. Health checks are answered rightly throughout: an HSM that fails
/// those is not asked.
enum class Manner {
    right,
    mute,
    frozen,              // answers nothing, nor health checks
    late,                // keeps its answers until it becomes `right`
    other_header,        // an answer to a question that nobody asked
    other_command,       // the response code of another command
    cut_short,           // the code without the data
    more_than_the_code,  // data behind the code of an M8
    garbage,
    too_long,   // a frame beyond the bound
    internal,   // 41
    disabled,   // 68
    other_lmk,  // 13
};

/// Host commands over the engine, on a port.
class HsmServer {
  public:
    explicit HsmServer(Manner manner = Manner::right, std::uint16_t port = 0, hsm::Lmk lmk = hsm::Lmk::test(),
                       acquirer::MakeChannel channel = nullptr)
        : manner_(manner), engine_(std::move(lmk), random_), commands_(engine_, {}) {
        server_ =
            std::make_unique<Server>([this](Socket& socket) { serve(socket); }, port, std::move(channel));
    }
    ~HsmServer() { stop(); }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    /// Questions that arrived, answered or not.
    [[nodiscard]] int asked() const { return asked_; }
    [[nodiscard]] int served() const { return served_; }
    /// `command`: for this one alone.
    void behave(Manner manner, const std::string& command = "") {
        {
            const std::lock_guard lock(mutex_);
            manner_ = manner;
            command_ = command;
        }
        changed_.notify_all();
    }
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        server_->stop();
    }

  private:
    void serve(Socket& socket) {
        std::string input;
        for (iso8583::Bytes bytes = socket.receive(); !bytes.empty(); bytes = socket.receive()) {
            input += iso8583::as_text(bytes);
            for (;;) {
                const hsm::FrameSplit split = hsm::split_frame(input);
                if (split.state != hsm::FrameSplit::State::frame) break;
                const std::string frame(split.frame);
                input.erase(0, split.bytes_used);
                const std::string out = answer_to(frame);
                if (!out.empty()) socket.send(out);
            }
        }
    }

    std::string answer_to(const std::string& frame) {
        std::unique_lock lock(mutex_);
        const std::string right = hsm::make_frame("", *commands_.execute(frame));
        if (manner_ == Manner::frozen) return "";
        if (frame.substr(4, 2) == "NC") return right;
        ++asked_;
        if (!command_.empty() && frame.substr(4, 2) != command_) return right;
        if (manner_ == Manner::late)
            changed_.wait(lock, [this] { return manner_ != Manner::late || stopping_; });
        if (manner_ == Manner::right) ++served_;
        return in_manner(right);
    }

    /// `right` has length 2, header 4, response code 2, error code 2, data.
    [[nodiscard]] std::string in_manner(const std::string& right) const {
        const std::string header = right.substr(2, 4);
        const std::string code = right.substr(6, 2);
        switch (manner_) {
            case Manner::right:
            case Manner::late:
                return right;
            case Manner::mute:
            case Manner::frozen:
                return "";
            case Manner::other_header:
                return hsm::make_frame("ZZZZ", right.substr(6));
            case Manner::other_command:
                return hsm::make_frame(header, "ZZ00" + right.substr(10));
            case Manner::cut_short:
                return hsm::make_frame(header, code);
            case Manner::more_than_the_code:
                return hsm::make_frame(header, code + "00?");
            case Manner::garbage:
                return "\r\n500 something went wrong\r\n";
            case Manner::too_long:
                return "\xFF\xFF" + right.substr(2);
            case Manner::internal:
                return hsm::make_frame(header, code + "41");
            case Manner::disabled:
                return hsm::make_frame(header, code + "68");
            case Manner::other_lmk:
                return hsm::make_frame(header, code + "13");
        }
        return "";
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    Manner manner_;
    std::string command_;
    bool stopping_ = false;
    std::atomic<int> asked_{0};
    std::atomic<int> served_{0};
    hsm::OpensslRandom random_;
    hsm::HsmEngine engine_;
    hsm::HostCommands commands_;
    std::unique_ptr<Server> server_;
};

}  // namespace io_test
