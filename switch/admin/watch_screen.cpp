// The screen of watch_figures.hpp.
#include <algorithm>
#include <cstdio>

#include "switch/admin/report_page.hpp"
#include "switch/admin/text_view.hpp"
#include "switch/admin/watch_figures.hpp"

namespace acquirer::admin {

namespace {

enum class Ink : std::uint8_t { plain, heading, good, warning, alarm };

std::string_view sequence_of(Ink ink) {
    switch (ink) {
        case Ink::plain:
            return "";
        case Ink::heading:
            return "\x1b[1m";
        case Ink::good:
            return "\x1b[32m";
        case Ink::warning:
            return "\x1b[33m";
        case Ink::alarm:
            return "\x1b[1;31m";
    }
    return "";
}

/// A line that grows to the right and is cut where the screen ends.
class Line {
  public:
    explicit Line(const Screen& screen) : color_(screen.color), left_(screen.size.columns) {}
    Line& add(std::string_view text, Ink ink = Ink::plain) {
        std::string fits;
        for (std::size_t at = 0; at < text.size();) {
            std::size_t end = at + 1;
            while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
            const std::size_t width = width_of(text.substr(at, end - at));
            if (width > left_) {
                left_ = 0;
                break;
            }
            left_ -= width;
            fits += text.substr(at, end - at);
            at = end;
        }
        const std::string_view sequence = color_ && !fits.empty() ? sequence_of(ink) : "";
        text_ += std::string(sequence) + fits + (sequence.empty() ? "" : "\x1b[0m");
        return *this;
    }
    /// In a column of so many characters.
    Line& left(const std::string& text, std::size_t width, Ink ink = Ink::plain) {
        const std::size_t own = width_of(text);
        return add(text, ink).add(std::string(own < width ? width - own : 1, ' '));
    }
    Line& right(const std::string& text, std::size_t width, Ink ink = Ink::plain) {
        const std::size_t own = width_of(text);
        return add(std::string(own < width ? width - own : 1, ' ')).add(text, ink);
    }
    [[nodiscard]] std::string text() const {
        std::string text = text_;
        while (!text.empty() && text.back() == ' ') text.pop_back();
        return text;
    }

  private:
    bool color_;
    std::size_t left_;
    std::string text_;
};

std::string word(const View& object, std::string_view name) {
    const View* value = object.find(name);
    if (value == nullptr) return "-";
    if (const auto* text = value->text()) return *text;
    if (const auto* number = value->number()) return std::to_string(*number);
    if (const auto* flag = value->flag()) return *flag ? "yes" : "no";
    return "-";
}

std::int64_t count(const View& object, std::string_view name) {
    const View* value = object.find(name);
    return value != nullptr && value->number() != nullptr ? *value->number() : 0;
}

std::string rate_words(double per_second) {
    char text[32];
    std::snprintf(text, sizeof text, per_second < 100 ? "%.1f" : "%.0f", per_second);
    return text;
}

std::string time_words(const std::optional<std::int64_t>& us) {
    if (!us) return "-";
    if (*us < 1'000) return std::to_string(*us) + " µs";
    if (*us >= 1'000'000) return duration_words(*us / 1'000);
    char text[32];
    std::snprintf(text, sizeof text, *us < 100'000 ? "%.1f ms" : "%.0f ms", static_cast<double>(*us) / 1e3);
    return text;
}

std::string bars_of(const std::vector<double>& rates) {
    constexpr const char* eighths[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const double highest = rates.empty() ? 0 : *std::max_element(rates.begin(), rates.end());
    std::string bars;
    for (const double rate : rates)
        bars += highest <= 0
                    ? eighths[0]
                    : eighths[std::min<std::size_t>(7, static_cast<std::size_t>(rate / highest * 7.999))];
    return bars;
}

class Drawing {
  public:
    Drawing(const Screen& screen, const View& status, const WatchFigures& figures)
        : screen_(screen), status_(status), figures_(figures) {}

    void head(const std::string& trouble) {
        Line first = line();
        first.add("refund-switch", Ink::heading).add("  business day " + word(status_, "business_date"));
        first.add("  " + word(status_, "time"));
        first.add("  up " + duration_words(count(status_, "uptime_seconds") * 1'000));
        if (word(status_, "demo") == "yes") first.add("  demo", Ink::warning);
        put(first);
        if (!trouble.empty()) put(line().add(trouble, Ink::alarm));
        if (const std::string day = word(status_, "day_warning"); day != "-")
            put(line().add(day, Ink::warning));
        put(line());
    }

    void answers(const std::vector<double>& rates) {
        Line rate = line();
        rate.left("answers", 10, Ink::heading);
        rate.left(rate_words(figures_.per_second(figures_.answers)) + "/s", 12).add(bars_of(rates));
        put(rate);
        Line times = line();
        times.left("latency", 10, Ink::heading).add("p50 " + time_words(figures_.p50_us));
        times.add("  p99 " + time_words(figures_.p99_us));
        const View* all = status_.find("answers");
        if (all != nullptr && all->find("p50_us") != nullptr)
            times.add("   since it began: p50 " + time_words(count(*all, "p50_us")) + "  p99 " +
                      time_words(count(*all, "p99_us")));
        put(times);
    }

    void waiting() {
        Line work = line();
        work.left("work", 10, Ink::heading);
        const bool accepts = word(status_, "accepts_new_work") == "yes";
        work.add(accepts ? "taken" : "NOT TAKEN", accepts ? Ink::good : Ink::alarm);
        work.add("  pending " + word(status_, "pending") + "  held cases " + word(status_, "held"));
        work.add("  terminals " + word(status_, "terminal_links") + "  HSM ");
        const bool hsm = word(status_, "hsm_available") != "no";
        work.add(hsm ? "up" : "DOWN", hsm ? Ink::good : Ink::alarm);
        work.add("  inboxes " + word(status_, "request_inbox") + " " + word(status_, "answer_inbox"));
        put(work);
        if (!accepts) {
            Line why = line();
            why.left("", 10).add(word(status_, "refuses_new_work"), Ink::alarm);
            put(why);
        }
        Line people = line();
        people.left("people", 10, Ink::heading);
        const std::int64_t open = count(status_, "open_exceptions"), orphans = count(status_, "orphans");
        people.add("open exceptions " + std::to_string(open), open > 0 ? Ink::warning : Ink::plain);
        people.add("  orphans " + std::to_string(orphans), orphans > 0 ? Ink::alarm : Ink::plain);
        for (const auto& [kind, total] : figures_.exceptions_by_kind)
            people.add("  " + kind + " " + std::to_string(total));
        put(people);
    }

    void routes() {
        const View* routes = status_.find("routes");
        if (routes == nullptr || routes->items() == nullptr) return;
        put(line());
        Line names = line();
        names.left("ROUTE", 18, Ink::heading).left("STATE", 8, Ink::heading).right("LINKS", 5, Ink::heading);
        names.right("IN FLIGHT", 12, Ink::heading).right("QUEUED", 10, Ink::heading);
        put(names);
        for (const View& route : *routes->items()) {
            Line row = line();
            const std::string state = word(route, "state");
            const std::int64_t links = count(route, "links_up"), queued = count(route, "queued_advices");
            row.left(word(route, "route"), 18).left(state, 8, state == "up" ? Ink::good : Ink::warning);
            row.right(std::to_string(links), 5, links == 0 ? Ink::alarm : Ink::plain);
            row.right(word(route, "in_flight"), 12);
            row.right(std::to_string(queued), 10, queued > 0 ? Ink::warning : Ink::plain);
            put(row);
        }
    }

    void kinds() {
        put(line());
        Line names = line();
        names.left("ANSWERED", 18, Ink::heading).right("A SECOND", 8, Ink::heading);
        names.right("SINCE BEGIN", 13, Ink::heading).add("   BY CODE", Ink::heading);
        put(names);
        std::vector<std::pair<std::string, KindFigures>> rows(figures_.kinds.begin(), figures_.kinds.end());
        std::stable_sort(rows.begin(), rows.end(),
                         [](const auto& a, const auto& b) { return a.second.total > b.second.total; });
        for (const auto& [name, kind] : rows) {
            Line row = line();
            row.left(name, 18).right(rate_words(figures_.per_second(kind.answers)), 8);
            row.right(std::to_string(kind.total), 13).add("  ");
            std::vector<std::pair<std::string, std::int64_t>> codes(kind.codes.begin(), kind.codes.end());
            std::stable_sort(codes.begin(), codes.end(),
                             [](const auto& a, const auto& b) { return a.second > b.second; });
            for (const auto& [code, total] : codes)
                row.add(" " + code, Ink::heading).add("=" + std::to_string(total));
            put(row);
        }
    }

    /// With the last line's help; what does not fit is said.
    std::vector<std::string> lines() {
        const std::size_t rows = std::max<std::size_t>(1, screen_.size.rows);
        std::string help = "q ends";
        if (lines_.size() + 1 > rows) {
            help += "; " + std::to_string(lines_.size() + 1 - rows) + " lines do not fit";
            lines_.resize(rows - 1);
        }
        lines_.resize(rows - 1);
        lines_.push_back(line().add(help).text());
        return std::move(lines_);
    }

  private:
    [[nodiscard]] Line line() const { return Line(screen_); }
    void put(const Line& line) { lines_.push_back(line.text()); }

    const Screen& screen_;
    const View& status_;
    const WatchFigures& figures_;
    std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> watch_screen(const Screen& screen, const View& status, const WatchFigures& figures,
                                      const std::vector<double>& rates, const std::string& trouble) {
    Drawing drawing(screen, status, figures);
    drawing.head(trouble);
    drawing.answers(rates);
    drawing.waiting();
    drawing.routes();
    drawing.kinds();
    return drawing.lines();
}

}  // namespace acquirer::admin
