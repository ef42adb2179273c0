// Fuzz target: any bytes as a host-command connection. The first byte chooses the installation's options; the
// rest is a stream, which is cut into frames and executed. Nothing may crash, every frame with a command gets
// an answer that begins with its header, and the client's side takes any answer.
#include <cstdint>
#include <cstdlib>

#include "hsm_sim/host_commands.hpp"
#include "hsm_sim/test_keys.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

namespace {

struct Setup {
    hsm::testing::SeededRandom random{1};
    hsm::HsmEngine engine;
    hsm::HostCommands commands;
    std::size_t header_length;

    Setup(bool authorised, hsm::Decimalisation decimalisation, std::size_t header, bool count_bytes)
        : engine(hsm::Lmk::test(), random,
                 {nullptr, authorised, false, decimalisation, {"0123456789012345"}, {}, nullptr, {}}),
          commands(engine, options(header, count_bytes)),
          header_length(header) {}

    static hsm::HostCommandOptions options(std::size_t header, bool count_bytes) {
        hsm::HostCommandOptions out;
        out.format.header_length = header;
        out.format.hex_length = count_bytes ? hsm::PayshieldFormat::HexLength::bytes
                                            : hsm::PayshieldFormat::HexLength::characters;
        return out;
    }
};

void require(bool condition) {
    if (!condition) std::abort();
}

/// No answer but the right one verifies a MAC, and a question that got nonsense is not lost.
void as_answer_to_a_mac(std::string_view bytes) {
    if (bytes.size() > 1024) return;
    hsm::PayshieldLink link({});
    const auto key = *hsm::KeyBlock::parse(hsm::test_keys::tak);
    require(link.ask(1, hsm::VerifyMac{hsm::KeyKind::tak, key, {hsm::MacAlgorithm::retail, {}}, {1}, {}}));
    const std::string header = link.take_output().substr(2, 4);
    const bool understood = link.received(hsm::make_frame(header, bytes));
    const auto answered = link.take_answered();
    require(understood == (answered.size() == 1));
    if (!understood) {
        require(link.misanswered() == hsm::Ticket{1});
        require(link.lost() == std::vector<hsm::Ticket>{1});
        return;
    }
    const auto* verified = *answered[0].reply ? std::get_if<hsm::MacVerified>(&**answered[0].reply) : nullptr;
    require(verified == nullptr || !verified->matches || bytes == "M900");
}

/// The same bytes as an answer to each kind of question.
void as_answer(std::string_view bytes) {
    const auto key = *hsm::KeyBlock::parse(hsm::test_keys::tak);
    const auto pan = *iso8583::Pan::parse("4111111111111111");
    const hsm::Request requests[] = {
        hsm::GenerateMac{hsm::KeyKind::tak, key, {}, {1}},
        hsm::VerifyMac{hsm::KeyKind::tak, key, {hsm::MacAlgorithm::retail, {}}, {1}, {}},
        hsm::TranslatePin{hsm::KeyKind::tpk, key, key, {}, {}, iso8583::Bytes(8), pan},
        hsm::GenerateTerminalKeys{key, false, true}};
    for (const hsm::Request& request : requests) {
        hsm::PayshieldExchange exchange(request, {});
        for (int steps = 0; steps < 8 && !exchange.done(); ++steps) {
            (void)exchange.next_command();
            exchange.answered(bytes);
        }
        exchange.abandon();
        require(exchange.done());
    }
    hsm::PayshieldLink link({});
    (void)link.received(bytes);
    as_answer_to_a_mac(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Setup setups[] = {{false, hsm::Decimalisation::encrypted, 4, false},
                             {true, hsm::Decimalisation::clear, 4, false},
                             {true, hsm::Decimalisation::stored, 2, true},
                             {true, hsm::Decimalisation::encrypted, 0, false}};
    if (size == 0) return 0;
    Setup& setup = setups[data[0] % 4];
    std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    as_answer(stream);
    for (;;) {
        const hsm::FrameSplit split = hsm::split_frame(stream);
        if (split.state != hsm::FrameSplit::State::frame) return 0;
        const auto answer = setup.commands.execute(split.frame);
        if (!answer) {
            require(split.frame.size() < setup.header_length + 2);
            return 0;
        }
        require(answer->size() >= setup.header_length + 4);
        require(answer->compare(0, setup.header_length, split.frame.substr(0, setup.header_length)) == 0);
        require(answer->size() <= hsm::host_frame_bytes_max + 64);
        stream.remove_prefix(split.bytes_used);
    }
}
