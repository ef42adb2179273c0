#include "switch/admin/watch.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "switch/admin/control_client.hpp"
#include "switch/admin/control_protocol.hpp"
#include "switch/admin/watch_figures.hpp"

namespace acquirer::admin {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds interval{1};
// A switch that does not answer must not keep the keys waiting for long.
constexpr int ask_timeout_seconds = 2;

constexpr int exit_done = 0, exit_refused = 1, exit_usage = 2, exit_unreachable = 3;

void say(const std::string& sentence) { std::fprintf(stderr, "refundctl: %s\n", sentence.c_str()); }

void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// The terminal while the screen is ours: another buffer, no cursor, keys without a newline and without echo.
class OwnScreen {
  public:
    OwnScreen() { enter(); }
    ~OwnScreen() { leave(); }
    OwnScreen(const OwnScreen&) = delete;
    OwnScreen& operator=(const OwnScreen&) = delete;

    void enter() {
        has_keys_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0;
        if (has_keys_) {
            termios keys = before_;
            keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            keys.c_cc[VMIN] = 0;
            keys.c_cc[VTIME] = 0;
            ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys);
        }
        write_all("\x1b[?1049h\x1b[?25l");
    }
    void leave() {
        write_all("\x1b[?25h\x1b[?1049l");
        if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    [[nodiscard]] bool has_keys() const { return has_keys_; }
    static ScreenSize size() {
        winsize window{};
        ScreenSize size;
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0)
            size = {window.ws_col, window.ws_row};
        return size;
    }

  private:
    termios before_{};
    bool has_keys_ = false;
};

/// Signals as something to wait for. Those that are still waiting when it ends are delivered then.
class Signals {
  public:
    Signals() {
        sigemptyset(&set_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH})
            sigaddset(&set_, number);
        ::sigprocmask(SIG_BLOCK, &set_, &before_);
        fd_ = ::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    ~Signals() {
        ::close(fd_);
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    [[nodiscard]] int fd() const { return fd_; }
    /// 0: none has come.
    [[nodiscard]] int take() const {
        signalfd_siginfo info{};
        return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

  private:
    sigset_t set_{}, before_{};
    int fd_ = -1;
};

/// What the switch says now, or why it says nothing.
iso8583::Result<View> ask_status(const WatchOptions& options) {
    Request request;
    request.command = "status";
    request.as = options.as;
    request.arguments.emplace("steps", "true");
    const auto line = ask_switch(options.socket, write_request(request), ask_timeout_seconds);
    if (!line) return tl::unexpected(line.error());
    auto answer = parse_answer(*line);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->error != AnswerError::none) return iso8583::parse_error(answer->text);
    return std::move(answer->data);
}

/// The last looks.
class Looks {
  public:
    /// False when the switch could not be asked.
    bool look(const WatchOptions& options) {
        auto status = ask_status(options);
        if (!status) {
            trouble_ = status.error().what;
            return false;
        }
        trouble_.clear();
        figures_ = figures_between(now_, *status);
        now_ = std::move(*status);
        if (figures_.interval_ms == 0) return true;
        rates_.push_back(figures_.per_second(figures_.answers));
        if (rates_.size() > watch_seconds_kept) rates_.erase(rates_.begin());
        return true;
    }
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] View view() const { return watch_view(now_, figures_); }
    [[nodiscard]] std::vector<std::string> screen(const Screen& screen) const {
        return watch_screen(screen, now_, figures_, rates_, trouble_);
    }

  private:
    View now_ = View::object();
    WatchFigures figures_;
    std::vector<double> rates_;
    std::string trouble_;
};

int watch_json(const WatchOptions& options) {
    Looks looks;
    Clock::time_point next = Clock::now();
    for (unsigned lines = 0; options.count == 0 || lines < options.count; ++lines) {
        if (lines == 0 && !looks.look(options)) break;
        next = std::max(next + interval, Clock::now());
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
        ::poll(nullptr, 0, static_cast<int>(std::max<std::int64_t>(0, wait.count())));
        if (!looks.look(options)) break;
        write_all(write_answer({AnswerError::none, "", looks.view()}) + "\n");
    }
    if (looks.trouble().empty()) return exit_done;
    write_all(write_answer({AnswerError::unreachable, looks.trouble(), {}}) + "\n");
    return exit_unreachable;
}

void draw(const Looks& looks, const Screen& screen) {
    std::string text = "\x1b[H";
    const auto lines = looks.screen(screen);
    for (std::size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
    write_all(text + "\x1b[J");
}

/// A signal came: true when the screen has to be drawn anew, false when it ends the process.
bool signal_came(int number, OwnScreen& own) {
    if (number == SIGWINCH) return true;
    if (number != SIGTSTP) return false;
    own.leave();
    ::raise(SIGSTOP);
    own.enter();
    return true;
}

bool has_quit_key() {
    char keys[64];
    const ssize_t got = ::read(STDIN_FILENO, keys, sizeof keys);
    return got > 0 && std::any_of(keys, keys + got, [](char key) { return key == 'q' || key == 'Q'; });
}

/// The number of the signal that ended it, or 0.
int watch_on_screen(const WatchOptions& options, const Signals& signals) {
    const char* no_color = std::getenv("NO_COLOR");
    const bool color = no_color == nullptr || *no_color == '\0';
    OwnScreen own;
    Looks looks;
    Clock::time_point next = Clock::now();
    for (unsigned shown = 0;;) {
        if (Clock::now() >= next) {
            if (options.count != 0 && shown == options.count) return 0;
            looks.look(options);
            draw(looks, {OwnScreen::size(), color});
            ++shown;
            next = std::max(next + interval, Clock::now());
        }
        pollfd waits[] = {{signals.fd(), POLLIN, 0}, {own.has_keys() ? STDIN_FILENO : -1, POLLIN, 0}};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
        ::poll(waits, 2, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (const int number = signals.take(); number != 0) {
            if (!signal_came(number, own)) return number;
            draw(looks, {OwnScreen::size(), color});
        }
        // A terminal that is gone has no keys any more.
        if ((waits[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return SIGHUP;
        if ((waits[1].revents & POLLIN) != 0 && has_quit_key()) return 0;
    }
}

}  // namespace

int watch(const WatchOptions& options) {
    if (options.json) return watch_json(options);
    const char* kind = std::getenv("TERM");
    if (::isatty(STDOUT_FILENO) != 1 || kind == nullptr || std::string_view(kind) == "dumb") {
        say("watch needs a terminal to draw on; with --json it writes a line a second");
        return exit_usage;
    }
    int ended_by = 0;
    {
        const Signals signals;
        ended_by = watch_on_screen(options, signals);
    }
    if (ended_by == 0) return exit_done;
    // The terminal is itself again; whoever started this learns how it ended.
    std::signal(ended_by, SIG_DFL);
    ::raise(ended_by);
    return exit_refused;
}

}  // namespace acquirer::admin
