// What `refundctl watch` makes of two looks at the switch, and its screen.
#include "switch/admin/watch_figures.hpp"

#include "switch/admin/text_view.hpp"
#include "switch/core/duration_histogram.hpp"
#include "tests/views/golden_text.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using namespace acquirer::admin;
using sample::World;

namespace {

/// A look at a switch that began so long ago.
View look(World& world, ShellFigures& shell, std::int64_t uptime_ms) {
    shell.since = world.now.utc.plus_ms(-uptime_ms);
    shell.uptime_ms = uptime_ms;
    ViewContext context = world.context();
    context.shell = &shell;
    const auto view = view_status(context, StatusDetail::with_steps);
    REQUIRE(view);
    return *view;
}

struct TwoLooks {
    World world;
    ShellFigures shell;
    View before, now;

    TwoLooks() {
        shell.terminal_links = 12;
        for (int i = 0; i < 100; ++i) shell.answers.add_us(40);
        before = look(world, shell, 7'200'000);
        world.status.counters = {{"answered.refund.00", 12},
                                 {"answered.sale.00", 80},
                                 {"answered.sale.05", 8},
                                 {"exceptions.reversal_stuck", 1},
                                 {"reversals.accepted", 3}};
        for (int i = 0; i < 98; ++i) shell.answers.add_us(1'500);
        for (int i = 0; i < 2; ++i) shell.answers.add_us(150'000);
        now = look(world, shell, 7'202'000);
    }
};

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

}  // namespace

TEST_CASE("watch: figures are of the time between two looks") {
    const TwoLooks looks;
    const WatchFigures figures = figures_between(looks.before, looks.now);
    CHECK(figures.interval_ms == 2'000);
    CHECK(figures.answers == 100);
    CHECK(figures.per_second(figures.answers) == Approx(50));
    CHECK(*figures.p50_us == Approx(1'500).margin(50));  // within its step, 1 to 2 ms
    CHECK(*figures.p99_us > 100'000);
    CHECK(figures.kinds.at("sale").answers == 88);
    CHECK(figures.kinds.at("refund").answers == 10);  // it was 2 before
    CHECK(figures.kinds.at("refund").total == 12);
    CHECK(figures.kinds.at("sale").codes == std::map<std::string, std::int64_t>{{"00", 80}, {"05", 8}});
    CHECK(figures.exceptions_by_kind == std::map<std::string, std::int64_t>{{"reversal_stuck", 1}});
}

TEST_CASE("watch: the first look, and one at a switch that began anew, say nothing of an interval") {
    TwoLooks looks;
    const WatchFigures first = figures_between(View::object(), looks.now);
    CHECK(first.interval_ms == 0);
    CHECK(first.answers == 0);
    CHECK_FALSE(first.p50_us);
    CHECK(first.per_second(7) == 0);
    CHECK(first.kinds.at("sale").answers == 0);
    CHECK(first.kinds.at("sale").total == 88);
    ShellFigures anew;
    const WatchFigures restarted = figures_between(looks.now, look(looks.world, anew, 500));
    CHECK(restarted.interval_ms == 0);
    CHECK(restarted.answers == 0);
}

TEST_CASE("watch: an interval without answers has no percentiles") {
    TwoLooks looks;
    const View later = look(looks.world, looks.shell, 7'203'000);
    const WatchFigures figures = figures_between(looks.now, later);
    CHECK(figures.interval_ms == 1'000);
    CHECK(figures.answers == 0);
    CHECK_FALSE(figures.p50_us);
    CHECK(watch_view(later, figures).find("p50_us") == nullptr);
}

TEST_CASE("watch: the screen, as a person sees it") {
    const TwoLooks looks;
    const WatchFigures figures = figures_between(looks.before, looks.now);
    const std::vector<double> rates = {10, 20, 0, 50, 40};
    golden::check("watch_screen", joined(watch_screen({{100, 24}, false}, looks.now, figures, rates, "")));
    golden::check("watch_screen_trouble", joined(watch_screen({{72, 12}, false}, looks.now, figures, rates,
                                                              "the switch cannot be reached")));
    golden::check("watch_json", text_of(watch_view(looks.now, figures), {}));
}

TEST_CASE("watch: why new work is refused stands on the screen while it is") {
    TwoLooks looks;
    const auto screen = [&] {
        const View now = look(looks.world, looks.shell, 7'204'000);
        const WatchFigures figures = figures_between(looks.now, now);
        CHECK((watch_view(now, figures).find("refuses_new_work") != nullptr) ==
              !looks.world.status.refuses_new_work.empty());
        return joined(watch_screen({{100, 24}, false}, now, figures, {}, ""));
    };
    CHECK(screen().find("NOT TAKEN") == std::string::npos);
    looks.world.status.refuses_new_work = "900 MiB are free, less than 1024 MiB";
    CHECK(screen().find("NOT TAKEN") != std::string::npos);
    CHECK(screen().find("900 MiB are free, less than 1024 MiB") != std::string::npos);
}

TEST_CASE("watch: lines are never longer than the screen, and never more") {
    const TwoLooks looks;
    const WatchFigures figures = figures_between(looks.before, looks.now);
    const std::vector<double> rates(watch_seconds_kept, 3);
    for (const std::size_t columns : {1U, 7U, 40U, 80U, 300U})
        for (const std::size_t rows : {1U, 2U, 10U, 60U}) {
            const auto lines = watch_screen({{columns, rows}, false}, looks.now, figures, rates, "trouble");
            CHECK(lines.size() == rows);
            for (const std::string& line : lines) CHECK(width_of(line) <= columns);
        }
    const auto plain = watch_screen({{80, 30}, false}, looks.now, figures, rates, "");
    for (const std::string& line : plain) CHECK(line.find('\x1b') == std::string::npos);
    CHECK(joined(watch_screen({{80, 30}, true}, looks.now, figures, rates, "")).find("\x1b[1m") !=
          std::string::npos);
}

TEST_CASE(
    "durations: percentiles lie in their step, evenly spread; beyond the last bound they are that bound") {
    DurationHistogram h;
    CHECK_FALSE(percentile_us(h.counts(), 0.5));
    for (int i = 0; i < 4; ++i) h.add_us(1'001);  // the step from 1 to 2 ms
    CHECK(*percentile_us(h.counts(), 0.5) == 1'500);
    CHECK(*percentile_us(h.counts(), 1.0) == 2'000);
    h.add_us(61'000'000);
    CHECK(*percentile_us(h.counts(), 1.0) == 60'000'000);
    CHECK(h.sum_us() == 4 * 1'001 + 61'000'000);
}
