#include "switch/admin/text_view.hpp"

#include <algorithm>

#include "switch/admin/list_text.hpp"

namespace acquirer::admin {
namespace {

bool is_scalar(const View& view) { return view.items() == nullptr && view.members() == nullptr; }

class Writer {
  public:
    explicit Writer(const TextOptions& options) : options_(options) {}

    /// `raw`: names are data of their own (counters) and stay as they are.
    void object(const View::Members& members, bool raw = false) {
        const auto label_of = [raw](const std::string& name) { return raw ? name : spaced(name); };
        std::size_t widest = 0;
        for (const auto& [name, value] : members)
            if (is_scalar(value)) widest = std::max(widest, width_of(label_of(name)));
        for (const auto& [name, value] : members)
            if (is_scalar(value))
                line(padded(label_of(name), widest, false) + "  " +
                     colored(name, scalar_text(value), scalar_text(value), options_));
        for (const auto& [name, value] : members) {
            if (is_scalar(value)) continue;
            if (!out.empty()) out += "\n";
            heading(label_of(name));
            if (name == "counters" && value.members() != nullptr)
                object(*value.members(), true);
            else
                any(value);
        }
    }

    void any(const View& view) {
        if (const auto* members = view.members()) {
            object(*members);
        } else if (const auto* items = view.items()) {
            if (items->empty())
                line("(none)");
            else if (items->front().members() != nullptr)
                out += table_text(*items, options_);
            else
                for (const View& item : *items) line(scalar_text(item));
        } else {
            line(scalar_text(view));
        }
    }

    std::string out;

  private:
    void line(std::string text) {
        while (!text.empty() && text.back() == ' ') text.pop_back();
        out += text + "\n";
    }
    void heading(const std::string& text) {
        out += options_.color ? "\x1b[1m" + text + "\x1b[0m\n" : text + "\n";
    }

    TextOptions options_;
};

}  // namespace

std::string text_of(const View& view, const TextOptions& options) {
    if (view.is_null()) return "";
    Writer writer(options);
    writer.any(without_list_words(view));
    return writer.out + list_end_line(view);
}

}  // namespace acquirer::admin
