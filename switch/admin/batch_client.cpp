#include "switch/admin/batch_client.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_map>

#include "iso8583/values/amount.hpp"
#include "ledger/file_books.hpp"
#include "switch/admin/base64.hpp"
#include "switch/admin/progress_bar.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/core/refund_batches.hpp"
#include "switch/core/refund_lines.hpp"

namespace acquirer::admin {
namespace {

std::string text_of_member(const View& view, std::string_view name) {
    const View* value = view.find(name);
    return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}
std::int64_t number_of_member(const View& view, std::string_view name) {
    const View* value = view.find(name);
    return value != nullptr && value->number() != nullptr ? *value->number() : 0;
}

/// What batch validate found so far.
class Validation {
  public:
    Validation(std::string file_name, std::size_t shown_max)
        : file_name_(std::move(file_name)), shown_max_(shown_max) {}

    void fault(std::int64_t line, const std::string& line_ref, const std::string& words) {
        ++bad_;
        if (faults_.size() < shown_max_)
            faults_.push_back(file_name_ + ":" + std::to_string(line) + ": " +
                              (line_ref.empty() ? "" : line_ref + ": ") + words);
    }

    /// One line as the switch judged it alone; here it is looked at with those before it.
    void take(const View& line) {
        const std::int64_t number = number_of_member(line, "line");
        const std::string line_ref = text_of_member(line, "line_ref"), words = text_of_member(line, "words");
        ++lines_;
        if (text_of_member(line, "verdict") == "unreadable") return fault(number, "", words);
        if (const auto [known, is_new] = line_refs_.emplace(line_ref, number); !is_new)
            return fault(number, line_ref,
                         "line " + std::to_string(known->second) + " has the same line_ref");
        if (text_of_member(line, "verdict") == "refused") return fault(number, line_ref, words);
        const std::int64_t amount = number_of_member(line, "amount_minor");
        std::int64_t& before = of_sale_[text_of_member(line, "rrn")];
        if (before + amount > number_of_member(line, "remaining_minor"))
            return fault(number, line_ref,
                         "together with the lines before it more than what remains of the sale (R11, 64)");
        before += amount;
        sum_minor_ += amount;
        if (text_of_member(line, "verdict") == "held") ++held_;
    }

    [[nodiscard]] Answer answer(const FileContent& file, const std::string& currency) const {
        Answer answer;
        answer.data = View::object();
        answer.data.put("file_name", file.name).put("digest", file.digest).put("lines", lines_);
        answer.data.put("good", lines_ - bad_).put("bad", bad_).put("would_be_held", held_);
        const auto of = iso8583::Currency::parse(currency);
        if (of) answer.data.put("sum", iso8583::Amount(sum_minor_, *of).major()).put("currency", currency);
        if (bad_ == 0 && lines_ != 0) {
            answer.text = "every line would be accepted now";
            return answer;
        }
        answer.error = AnswerError::refused;
        answer.text = lines_ == 0 ? file.name + ":1: no line follows"
                                  : std::to_string(bad_) + " of " + std::to_string(lines_) + " lines are bad";
        View faults = View::list();
        for (const std::string& one : faults_) faults.add(one);
        if (static_cast<std::int64_t>(faults_.size()) < bad_)
            faults.add("… and " + std::to_string(bad_ - static_cast<std::int64_t>(faults_.size())) +
                       " more: --limit shows them");
        answer.data.put("faults", std::move(faults));
        return answer;
    }

  private:
    std::string file_name_;
    std::size_t shown_max_;
    std::int64_t lines_ = 0, bad_ = 0, held_ = 0, sum_minor_ = 0;
    std::vector<std::string> faults_;
    std::unordered_map<std::string, std::int64_t> line_refs_;  // and where they stand
    std::unordered_map<std::string, std::int64_t> of_sale_;    // what the lines so far take of it
};

/// Lines on their way to the switch.
struct Part {
    std::string text;
    std::uint32_t first_line = 0;
    std::size_t lines = 0;

    void add(const LineCutter::Line& line) {
        if (lines++ == 0) first_line = line.number;
        text += line.text;
        text += '\n';
    }
    [[nodiscard]] bool is_full() const {
        return lines == lines_judged_max ||
               text.size() + refund_line_bytes_max + 1 > ledger::file_piece_bytes;
    }
};

class Validator {
  public:
    Validator(const Request& request, const SendRequest& send, const FileContent& file)
        : send_(send),
          file_(file),
          merchant_(argument(request, "merchant")),
          found_(file.name, list_query(request).limit) {}

    ClientResult<Answer> run(std::ifstream& stream) {
        ProgressBar bar("bytes");
        LineCutter cutter;
        std::uint64_t read = 0;
        std::string piece(ledger::file_piece_bytes, '\0');
        while (read < file_.bytes && stream) {
            stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
            const auto got = static_cast<std::size_t>(stream.gcount());
            read += got;
            cutter.add(std::string_view(piece).substr(0, got));
            if (got == 0 || read >= file_.bytes) cutter.end();
            while (const auto line = cutter.next())
                if (auto taken = take(*line); !taken) return tl::unexpected(taken.error());
            if (cutter.is_too_long())
                return refused_here(file_.name + ":" + std::to_string(cutter.number()) +
                                    ": a line has at most " + std::to_string(refund_line_bytes_max) +
                                    " bytes");
            bar.show(read, static_cast<unsigned>(read * 1'000 / std::max<std::uint64_t>(1, file_.bytes)));
        }
        if (auto sent = send(); !sent) return tl::unexpected(sent.error());
        return found_.answer(file_, currency_);
    }

  private:
    ClientResult<void> take(const LineCutter::Line& line) {
        if (line.number == 1) {
            if (line.text == refund_lines_head) return {};
            return refused_here(file_.name + ":1: the first line has to be " +
                                std::string(refund_lines_head));
        }
        part_.add(line);
        return part_.is_full() ? send() : ClientResult<void>();
    }

    ClientResult<void> send() {
        if (part_.lines == 0) return {};
        const Part part = std::exchange(part_, {});
        auto answer = send_({"batch judge",
                             {{"merchant", merchant_},
                              {"line", std::to_string(part.first_line)},
                              {"content", to_base64(part.text)}},
                             ""});
        if (!answer) return tl::unexpected(answer.error());
        currency_ = text_of_member(answer->data, "currency");
        if (const View* lines = answer->data.find("lines"); lines != nullptr && lines->items() != nullptr)
            for (const View& line : *lines->items()) found_.take(line);
        return {};
    }

    const SendRequest& send_;
    const FileContent& file_;
    std::string merchant_, currency_;
    Validation found_;
    Part part_;
};

}  // namespace

ClientResult<Answer> validate_batch_file(const Request& request, const SendRequest& send) {
    const std::string path = argument(request, "path");
    const auto content = read_file_content(path);
    if (!content) return tl::unexpected(content.error());
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return refused_here(path + " cannot be read: " + std::strerror(errno));
    return Validator(request, send, *content).run(stream);
}

}  // namespace acquirer::admin
