// A line of an issuer's journal: refused with a sentence, or the same again when it is written and read once
// more; and books that take any line stay books.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "hsm_sim/test_keys.hpp"
#include "routing/issuer_sim/issuer_model.hpp"

namespace {

struct NoRandom final : iso8583::RandomSource {
    void fill(std::span<std::uint8_t> out) override {
        for (auto& b : out) b = 0;
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static NoRandom random;
    static hsm::HsmEngine engine(hsm::Lmk::test(), random);
    routing::IssuerConfig config;
    config.name = "issuer-w";
    config.kind = routing::IssuerKind::wallet;
    config.dialect = iso8583::find_dialect("iso87-ascii");
    config.zak = *hsm::KeyBlock::parse(hsm::test_keys::zak);
    config.mac = {hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};
    routing::IssuerModel model(config, engine);
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (;;) {
        const std::size_t end = text.find('\n');
        const auto line = routing::parse_journal_line(text.substr(0, end));
        if (line) {
            const std::string written = routing::write_journal_line(*line, {});
            const auto again =
                routing::parse_journal_line(std::string_view(written).substr(0, written.size() - 1));
            if (!again || routing::write_journal_line(*again, {}) != written) std::abort();
            static_cast<void>(model.read_back(*line));
        } else if (line.error().what.empty()) {
            std::abort();
        }
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    if (model.books().summary_json().empty()) std::abort();
    return 0;
}
