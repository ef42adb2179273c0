#include "switch/admin/follow.hpp"

#include <poll.h>

#include "switch/admin/progress_bar.hpp"

namespace acquirer::admin {

namespace {

/// The switch tells nobody that its work has ended: it is asked.
constexpr int asked_every_ms = 100;

}  // namespace

std::string text_in(const View& view, std::string_view name) {
    const View* value = view.find(name);
    return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}
std::int64_t number_in(const View& view, std::string_view name) {
    const View* value = view.find(name);
    return value != nullptr && value->number() != nullptr ? *value->number() : 0;
}
bool is_set(const View& view, std::string_view name) {
    const View* value = view.find(name);
    return value != nullptr && value->flag() != nullptr && *value->flag();
}

ClientResult<Answer> follow(const Request& question, const SendRequest& send, const char* unit,
                            std::string_view counted) {
    ProgressBar bar(unit);
    for (;;) {
        auto answer = send(question);
        if (!answer || is_set(answer->data, "ended")) return answer;
        std::optional<unsigned> permille;
        if (const View* progress = answer->data.find("progress"); progress != nullptr)
            if (const std::int64_t all = number_in(*progress, "all"); all > 0)
                permille = static_cast<unsigned>(number_in(*progress, "done") * 1'000 / all);
        bar.show(static_cast<std::uint64_t>(number_in(answer->data, counted)), permille);
        ::poll(nullptr, 0, asked_every_ms);
    }
}

}  // namespace acquirer::admin
