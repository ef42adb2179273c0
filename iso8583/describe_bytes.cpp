// The byte view: what each byte of a message is, with the hidden ones as **.
#include <algorithm>

#include <fmt/format.h>

#include "iso8583/ber_tlv.hpp"
#include "iso8583/describe.hpp"
#include "iso8583/masking.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583 {

namespace {

constexpr std::size_t bytes_per_line = 16;

class ByteViewWriter {
  public:
    ByteViewWriter(const Message& message, const DescribeOptions& options) : m_(message), options_(options) {}

    std::string run() {
        head();
        m_.present().for_each([&](int n) { field_lines(n); });
        if (at_ < m_.body().size())
            add(at_, m_.body().size() - at_, hidden(m_.body().size() - at_), "not decoded");
        return std::move(out_);
    }

  private:
    static std::string hidden(std::size_t bytes) { return std::string(2 * bytes, '*'); }
    std::string plain(std::size_t begin, std::size_t size) const {
        return to_hex(m_.body().subspan(begin, size));
    }

    void add(std::size_t begin, std::size_t size, const std::string& hex, const std::string& what) {
        for (std::size_t done = 0; done == 0 || done < size; done += bytes_per_line) {
            std::string bytes;
            for (std::size_t i = done; i < std::min(size, done + bytes_per_line); ++i)
                bytes += hex.substr(2 * i, 2) + " ";
            out_ += fmt::format("{:04X}  {:<{}} {}\n", begin + done, bytes, 3 * bytes_per_line,
                                done == 0 ? what : "");
        }
        at_ = std::max(at_, begin + size);
    }

    void head() {
        const DialectSpec& spec = m_.dialect().spec();
        const std::size_t size = m_.body().size();
        const std::size_t mti = spec.mti == Encoding::bcd ? 2 : 4;
        if (size < mti || m_.mti() == Mti()) return;
        add(0, mti, plain(0, mti), "MTI " + m_.mti().str() + " " + mti_text(m_.mti()));
        const std::size_t bitmap = spec.bitmap == BitmapEncoding::binary ? 8 : 16;
        const auto announces_another = [&](std::size_t at) {
            const std::uint8_t c = m_.body()[at];
            switch (spec.bitmap) {
                case BitmapEncoding::binary:
                    return c >= 0x80;
                case BitmapEncoding::hex:
                    return detail::hex_of_ascii[c] >= 8;
                case BitmapEncoding::hex_ebcdic:
                    return detail::hex_of_ebcdic[c] >= 8;
            }
            return false;
        };
        const std::size_t most = spec.tertiary == TertiaryBitmap::contiguous ? 3 : 2;
        for (std::size_t i = 0; i < most && at_ + bitmap <= size; ++i) {
            const bool another = announces_another(at_);
            add(at_, bitmap, plain(at_, bitmap), fmt::format("bitmap {}", i + 1));
            if (!another) break;
        }
    }

    /// The wire bytes as hex with stars where the canonical content is hidden.
    std::string wire_hex(int n, const std::string& masked) const {
        const Field f = field(n);
        const ByteView raw = m_.raw(f);
        std::string hex = to_hex(raw);
        const FieldPlan& plan = m_.dialect().plan(n);
        const std::size_t units = m_.units(f);
        const bool bytes = m_.dialect().field_spec(n)->content == Content::b;
        for (std::size_t u = 0; u < units; ++u) {
            const bool hide = bytes ? masked[2 * u] == '*' || masked[2 * u + 1] == '*' : masked[u] == '*';
            if (!hide) continue;
            const std::size_t byte = plan.byte_of_unit(u, units);
            switch (plan.shape) {
                case FieldPlan::Shape::one:
                    hex.replace(2 * byte, 2, "**");
                    break;
                case FieldPlan::Shape::twice:
                    hex.replace(2 * byte, 4, "****");
                    break;
                case FieldPlan::Shape::half:
                case FieldPlan::Shape::sign_half: {
                    const std::size_t shift = units % 2 != 0 && plan.odd == Align::right ? 1 : 0;
                    if (plan.shape == FieldPlan::Shape::half)
                        hex[u + shift] = '*';
                    else
                        hex.replace(2 * byte, 2, "**");
                    break;
                }
            }
        }
        return hex;
    }

    void field_lines(int n) {
        const Field f = field(n);
        const FieldSpec& spec = *m_.dialect().field_spec(n);
        const FieldPlan& plan = m_.dialect().plan(n);
        const std::size_t begin = m_.offset(f);
        const ByteView raw = m_.raw(f);
        if (at_ < begin - plan.prefix_bytes) {
            const std::size_t skipped = begin - plan.prefix_bytes - at_;
            add(at_, skipped, hidden(skipped), "not decoded");
        }
        if (plan.prefix_bytes > 0)
            add(begin - plan.prefix_bytes, plan.prefix_bytes,
                plain(begin - plan.prefix_bytes, plan.prefix_bytes),
                fmt::format("DE{} length {}", n, m_.units(f)));
        const std::string what = fmt::format("DE{} {}", n, spec.name);
        if (raw.empty()) return;
        const auto values = subfields_of(m_, f);
        const bool tlv = spec.subfields && spec.subfields->kind == SubfieldSet::Kind::ber_tlv;
        if (tlv && values && plan.shape == FieldPlan::Shape::one) return tag_lines(f, what);
        // Bytes made of subfields, each where it stands.
        if (!tlv && values && !values->empty() && spec.content == Content::b &&
            plan.shape == FieldPlan::Shape::one) {
            part_lines(*values, begin, std::to_string(n));
            if (at_ < begin + raw.size())
                add(at_, begin + raw.size() - at_,
                    options_.reveal ? plain(at_, begin + raw.size() - at_) : hidden(begin + raw.size() - at_),
                    what);
            return;
        }
        if (!tlv && values && !values->empty() && spec.secret == Secret::none && spec.content != Content::b &&
            (plan.shape == FieldPlan::Shape::one || plan.shape == FieldPlan::Shape::half))
            return unit_lines(n, *values, what);
        if (options_.reveal) return add(begin, raw.size(), to_hex(raw), what);
        std::string masked;
        if (tlv && !values)
            masked = mask_card_numbers_anywhere(to_hex(as_bytes(m_.get(f))));
        else if (spec.subfields && spec.content == Content::b)
            masked = hidden(m_.units(f));
        else
            masked = describe_field(m_, f, options_);
        add(begin, raw.size(), wire_hex(n, masked), what);
    }

    /// Whether something of the subfield is hidden.
    static bool hides(const SubfieldValue& v) {
        if (!v.inside.empty()) return std::any_of(v.inside.begin(), v.inside.end(), hides);
        const std::string text = v.content_class == Content::b ? to_hex(as_bytes(v.content)) : v.content;
        return masked_content(v.content_class, v.secret, v.content) != text;
    }

    /// Characters or packed digits made of subfields, each with its tag and length where it has them. Digits
    /// that share a byte share a line.
    void unit_lines(int n, const std::vector<SubfieldValue>& values, const std::string& what) {
        const FieldPlan& plan = m_.dialect().plan(n);
        const FieldSpec& spec = *m_.dialect().field_spec(n);
        const std::size_t begin = m_.offset(field(n));
        const std::size_t bytes = m_.raw(field(n)).size();
        const std::size_t units = m_.units(field(n));
        std::string masked = masked_content(spec.content, spec.secret, m_.get(field(n)));
        for (const SubfieldValue& v : values)
            if (hides(v)) masked.replace(v.offset, v.size, v.size, '*');
        const std::string hex = options_.reveal ? plain(begin, bytes) : wire_hex(n, masked);
        std::size_t from = 0;
        std::string label;
        for (const SubfieldValue& v : values) {
            label += fmt::format("{}DE{}.{} {}", label.empty() ? "" : ", ", n, v.id, v.name);
            const std::size_t end = v.offset + v.size;
            if (end < units && plan.byte_of_unit(end, units) == plan.byte_of_unit(end - 1, units)) continue;
            const std::size_t until = end < units ? plan.byte_of_unit(end, units) : bytes;
            if (until > from)
                add(begin + from, until - from, hex.substr(2 * from, 2 * (until - from)), label);
            from = until;
            label.clear();
        }
        if (from < bytes) add(begin + from, bytes - from, hex.substr(2 * from), label.empty() ? what : label);
    }

    void part_lines(const std::vector<SubfieldValue>& values, std::size_t base, const std::string& path) {
        for (const SubfieldValue& v : values) {
            const std::string here = path + "." + v.id;
            const std::size_t begin = base + v.offset;
            if (at_ < begin)
                add(at_, begin - at_, plain(at_, begin - at_), fmt::format("DE{} tag or length", here));
            // Only where a subfield's content is its bytes can what is inside be placed.
            if (!v.inside.empty() && v.size == v.content.size()) {
                part_lines(v.inside, begin, here);
                continue;
            }
            const std::string text = v.content_class == Content::b ? to_hex(as_bytes(v.content)) : v.content;
            const bool hide =
                !options_.reveal &&
                (!v.inside.empty() || masked_content(v.content_class, v.secret, v.content) != text);
            add(begin, v.size, hide ? hidden(v.size) : plain(begin, v.size),
                fmt::format("DE{} {}", here, v.name));
        }
    }

    void tag_lines(Field f, const std::string& what) {
        const std::size_t begin = m_.offset(f);
        const auto nodes = parse_ber_tlv(m_.raw(f));
        const std::size_t end = begin + m_.raw(f).size();
        const auto padding_until = [&](std::size_t next) {
            if (at_ < next) add(at_, next - at_, plain(at_, next - at_), what + " padding");
        };
        std::vector<std::string> path;  // of the constructed tags around the node
        for (const TlvNode& node : *nodes) {
            padding_until(begin + node.begin);
            path.resize(static_cast<std::size_t>(node.depth));
            path.push_back(tag_str(node.tag));
            const std::size_t head = node.value_begin - node.begin;
            const std::string name =
                fmt::format("DE{}.{} {}", number(f), fmt::join(path, "."), tag_name(node.tag));
            if (node.constructed()) {
                add(begin + node.begin, head, plain(begin + node.begin, head), name);
                continue;
            }
            const std::string text =
                as_text(node.value).empty() ? std::string() : std::string(as_text(node.value));
            const std::string masked =
                options_.reveal ? to_hex(node.value) : masked_content(Content::b, tag_secret(node.tag), text);
            add(begin + node.begin, head + node.value.size(), plain(begin + node.begin, head) + masked, name);
        }
        padding_until(end);
    }

    const Message& m_;
    const DescribeOptions& options_;
    std::string out_;
    std::size_t at_ = 0;
};

}  // namespace

std::string describe_bytes(const Message& message, const DescribeOptions& options) {
    return ByteViewWriter(message, options).run();
}

}  // namespace iso8583
