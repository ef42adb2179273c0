#include "switch/core/refund_batch_loader.hpp"

namespace acquirer {

using ledger::RefundBatch;

void RefundBatchLoader::begin(RefundBatch& batch) {
    id_ = batch.id;
    batch.faults.clear();
    batch.faulty_lines = 0;
    batch.lines = 0;
    batch.sum_minor = 0;
    begin_pass(false);
}

void RefundBatchLoader::begin_pass(bool stores) {
    stores_ = stores;
    piece_ = 0;
    cutter_ = {};
    line_refs_ = {};
}

void RefundBatchLoader::fault(RefundBatch& batch, std::uint32_t line, const std::string& words) {
    ++batch.faulty_lines;
    if (batch.faults.size() < RefundBatch::faults_max)
        batch.faults.push_back(batch.file_name + ":" + std::to_string(line) + ": " + words);
}

void RefundBatchLoader::look_at(RefundBatch& batch, const LineCutter::Line& line) {
    if (line.number == 1) {
        if (line.text != refund_lines_head)
            fault(batch, 1, "the first line has to be " + std::string(refund_lines_head));
        return;
    }
    auto parsed = parse_refund_line(line.text, {batch.currency, c_.config->refund_reasons});
    if (!parsed) return fault(batch, line.number, parsed.error());
    if (!*parsed) return;
    ledger::RefundBatchLine& one = **parsed;
    one.number = line.number;
    if (stores_) return books_.save(batch.id, one);
    const auto [known, is_new] = line_refs_.emplace(one.line_ref, line.number);
    if (!is_new)
        return fault(batch, line.number,
                     "line_ref: line " + std::to_string(known->second) + " has the same one");
    ++batch.lines;
    batch.sum_minor += one.amount_minor;
}

void RefundBatchLoader::step(RefundBatch& batch) {
    const auto file = files_.sealed(batch.file);
    const auto content = file ? files_.piece(*file, piece_) : std::nullopt;
    if (!content) {
        batch.state = RefundBatch::State::faulty;
        batch.words = "its file is not here any more: submit it again";
        return forget();
    }
    cutter_.add(*content);
    const bool last = ++piece_ == file->pieces_needed();
    if (last) cutter_.end();
    while (const auto line = cutter_.next()) {
        if (batch.lines == refund_lines_max && !stores_ && !line->text.empty()) {
            fault(batch, line->number,
                  "a file has at most " + std::to_string(refund_lines_max) + " lines: cut it into several");
            return end_of_pass(batch);
        }
        look_at(batch, *line);
    }
    if (cutter_.is_too_long())
        fault(batch, cutter_.number(),
              "a line has at most " + std::to_string(refund_line_bytes_max) + " bytes");
    if (last || cutter_.is_too_long()) end_of_pass(batch);
}

void RefundBatchLoader::end_of_pass(RefundBatch& batch) {
    if (!stores_ && batch.lines == 0 && batch.faulty_lines == 0) fault(batch, 1, "no line follows");
    const bool faulty = batch.faulty_lines != 0;
    if (!faulty && !stores_) return begin_pass(true);
    if (faulty) {
        batch.state = RefundBatch::State::faulty;
        batch.words = std::to_string(batch.faulty_lines) + (batch.faulty_lines == 1 ? " line" : " lines") +
                      " of the file cannot be read";
    } else {
        batch.state = RefundBatch::State::waiting;
        batch.counts = {{ledger::line_waits, batch.lines, batch.sum_minor}};
    }
    begin_pass(false);
    forget();
}

}  // namespace acquirer
