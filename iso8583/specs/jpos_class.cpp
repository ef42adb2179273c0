#include "iso8583/specs/jpos_class.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "iso8583/specs/spec_classes.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

/// What is special about a class beside content, encoding and prefix.
enum class Form : std::uint8_t {
    plain,
    whole,         // always the whole length, in spite of its prefix
    filler_f,      // an odd digit stands beside an F
    counted_f,     // the same, and the length counts bytes
    half,          // a string of hex digits that is written as bytes
    bitmap,        //
    absent,        //
    length_first,  // tagged: the length stands before the tag and counts it
    refused
};

struct JposClass {
    std::string_view name;
    Form form = Form::plain;
    Content content = Content::ans;
    Encoding encoding = Encoding::ascii;
    Prefix prefix = Prefix::none;
    std::uint8_t prefix_size = 0;
    std::uint8_t tag_size = 0;
    Encoding tag_encoding = Encoding::ascii;
    std::string_view note = {};  // of refused ones the reason
};

constexpr auto ans = Content::ans;
constexpr auto n = Content::n;
constexpr auto b = Content::b;
constexpr auto xn = Content::xn;
constexpr auto ascii = Encoding::ascii;
constexpr auto ebcdic = Encoding::ebcdic;
constexpr auto bcd = Encoding::bcd;
constexpr auto raw = Encoding::binary;
constexpr auto hex = Encoding::hex;
constexpr auto hex_ebcdic = Encoding::hex_ebcdic;
constexpr auto fixed = Prefix::none;
constexpr auto in_ascii = Prefix::ascii;
constexpr auto in_ebcdic = Prefix::ebcdic;
constexpr auto in_bcd = Prefix::bcd;
constexpr auto in_binary = Prefix::binary;
constexpr auto plain = Form::plain;

constexpr std::string_view as_text_note = "bytes that are converted like text are read as text";
constexpr std::string_view own_tag = "its tag comes from a packager of its own and has no fixed place";

// The order is the order of the page; where two classes read the same, the first is the one that is written.
constexpr auto classes = std::to_array<JposClass>({
    {"IF_CHAR", plain, ans, ascii},
    {"IF_ECHAR", plain, ans, ebcdic},
    {"IF_NOP", Form::absent},
    {"IF_UNUSED", Form::absent},
    {"IF_TBASE", Form::refused, ans, ascii, fixed, 0, 0, ascii, "is no class of a field itself"},
    {"IF_TCHAR", Form::refused, ans, ascii, fixed, 0, 0, ascii, "ends at a token: its length is not known"},
    {"IFA_NUMERIC", plain, n, ascii},
    {"IFA_AMOUNT2003", plain, n, ascii},
    {"IFA_AMOUNT", plain, xn, ascii},
    {"IFA_BINARY", plain, b, hex},
    {"IFA_BITMAP", Form::bitmap, b, hex},
    {"IFA_LCHAR", plain, ans, ascii, in_ascii, 1},
    {"IFA_LLCHAR", plain, ans, ascii, in_ascii, 2},
    {"IFA_LLLCHAR", plain, ans, ascii, in_ascii, 3},
    {"IFA_LLLLCHAR", plain, ans, ascii, in_ascii, 4},
    {"IFA_LLLLLCHAR", plain, ans, ascii, in_ascii, 5},
    {"IFA_LLLLLLCHAR", plain, ans, ascii, in_ascii, 6},
    {"IFA_FLLCHAR", Form::whole, ans, ascii, in_ascii, 2},
    {"IFA_FLLNUM", Form::whole, n, ascii, in_ascii, 2},
    {"IFA_LLNUM", plain, n, ascii, in_ascii, 2},
    {"IFA_LLLNUM", plain, n, ascii, in_ascii, 3},
    {"IFA_LLBNUM", plain, n, bcd, in_ascii, 2, 0, ascii, "jPOS counts an odd digit as two when it writes"},
    {"IFA_LBINARY", plain, b, raw, in_ascii, 1},
    {"IFA_LLBINARY", plain, b, raw, in_ascii, 2},
    {"IFA_LLLBINARY", plain, b, raw, in_ascii, 3},
    {"IFA_LLLLBINARY", plain, b, raw, in_ascii, 4},
    {"IFA_LLLLLBINARY", plain, b, raw, in_ascii, 5},
    {"IFA_LLLLLLBINARY", plain, b, raw, in_ascii, 6},
    {"IFA_LLABINARY", plain, b, hex, in_ascii, 2},
    {"IFA_LLLABINARY", plain, b, hex, in_ascii, 3},
    {"IFA_TTLCHAR", plain, ans, ascii, in_ascii, 1, 2},
    {"IFA_TTLLCHAR", plain, ans, ascii, in_ascii, 2, 2},
    {"IFA_TTLLLCHAR", plain, ans, ascii, in_ascii, 3, 2},
    {"IFA_TTLLLLCHAR", plain, ans, ascii, in_ascii, 4, 2},
    {"IFA_TTTLLLCHAR", plain, ans, ascii, in_ascii, 3, 3},
    {"IFA_TTLBINARY", plain, b, raw, in_ascii, 1, 2},
    {"IFA_TTLLBINARY", plain, b, raw, in_ascii, 2, 2},
    {"IFA_TTLLLBINARY", plain, b, raw, in_ascii, 3, 2},
    {"IFA_TTLLLLBINARY", plain, b, raw, in_ascii, 4, 2},
    {"IFAE_LLCHAR", plain, ans, ebcdic, in_ascii, 2},
    {"IFB_NUMERIC", plain, n, bcd},
    {"IFB_AMOUNT2003", plain, n, bcd},
    {"IFB_FNUMERIC", Form::filler_f, n, bcd},
    {"IFB_AMOUNT", plain, xn, bcd},
    {"IFB_BINARY", plain, b, raw},
    {"IFB_BITMAP", Form::bitmap, b, raw},
    {"IFB_HEX", Form::half, b, raw, fixed, 0, 0, ascii, "a string of hex digits is read as its bytes"},
    {"IFB_LLCHAR", plain, ans, ascii, in_bcd, 2},
    {"IFB_LLLCHAR", plain, ans, ascii, in_bcd, 3},
    {"IFB_LLLLCHAR", plain, ans, ascii, in_bcd, 4},
    {"IFB_LLLLLLCHAR", plain, ans, ascii, in_bcd, 6},
    {"IFB_LLNUM", plain, n, bcd, in_bcd, 2},
    {"IFB_LLLNUM", plain, n, bcd, in_bcd, 3},
    {"IFB_FLLNUM", Form::filler_f, n, bcd, in_bcd, 2},
    {"IFB_FLLLNUM", Form::filler_f, n, bcd, in_bcd, 3},
    {"IFB_LLBINARY", plain, b, raw, in_bcd, 2},
    {"IFB_LLLBINARY", plain, b, raw, in_bcd, 3},
    {"IFB_LLLLBINARY", plain, b, raw, in_bcd, 4},
    {"IFB_LLHCHAR", plain, ans, ascii, in_binary, 1},
    {"IFB_LLLHCHAR", plain, ans, ascii, in_binary, 2},
    {"IFB_LLHECHAR", plain, ans, ebcdic, in_binary, 1},
    {"IFB_LLLHECHAR", plain, ans, ebcdic, in_binary, 2},
    {"IFB_LLHNUM", plain, n, bcd, in_binary, 1},
    {"IFB_LLLHNUM", plain, n, bcd, in_binary, 2},
    {"IFB_LLHBINARY", plain, b, raw, in_binary, 1},
    {"IFB_LLLHBINARY", plain, b, raw, in_binary, 2},
    {"IFB_LHBINARY", plain, b, raw, in_binary, 1},
    {"IFB_LLHEX", Form::refused, b, raw, fixed, 0, 0, ascii, "its length counts half bytes"},
    {"IFB_LLLHEX", Form::refused, b, raw, fixed, 0, 0, ascii, "its length counts half bytes"},
    {"IFB_LLHFBINARY", Form::refused, b, raw, fixed, 0, 0, ascii,
     "it is filled up behind its content, beyond what its length says"},
    {"IFE_CHAR", plain, ans, ebcdic},
    {"IFE_NUMERIC", plain, n, ebcdic},
    {"IFE_AMOUNT", plain, xn, ebcdic},
    {"IFE_SIGNED_NUMERIC", Form::refused, n, ebcdic, fixed, 0, 0, ascii,
     "its sign is in the zone of the last digit"},
    {"IFE_BINARY", plain, b, hex_ebcdic},
    {"IFE_BITMAP", Form::bitmap, b, hex_ebcdic},
    {"IFE_LCHAR", plain, ans, ebcdic, in_ebcdic, 1},
    {"IFE_LLCHAR", plain, ans, ebcdic, in_ebcdic, 2},
    {"IFE_LLLCHAR", plain, ans, ebcdic, in_ebcdic, 3},
    {"IFE_LLLLCHAR", plain, ans, ebcdic, in_ebcdic, 4},
    {"IFE_LNUM", plain, n, ebcdic, in_ebcdic, 1},
    {"IFE_LLNUM", plain, n, ebcdic, in_ebcdic, 2},
    {"IFE_LLLNUM", plain, n, ebcdic, in_ebcdic, 3},
    {"IFE_LBINARY", plain, b, raw, in_ebcdic, 1},
    {"IFE_LLBINARY", plain, b, raw, in_ebcdic, 2},
    {"IFE_LLLBINARY", plain, b, raw, in_ebcdic, 3},
    {"IFE_LLLLBINARY", plain, b, raw, in_ebcdic, 4},
    {"IFE_LLLEBINARY", plain, ans, ebcdic, in_ebcdic, 3, 0, ascii, as_text_note},
    {"IFEA_LLCHAR", plain, ans, ascii, in_ebcdic, 2},
    {"IFEB_LLNUM", Form::counted_f, n, bcd, in_ebcdic, 2},
    {"IFEB_LLLNUM", Form::counted_f, n, bcd, in_ebcdic, 3},
    {"IFEP_LLCHAR", Form::length_first, ans, ascii, in_ascii, 2, 2},
    {"IFEP_LLLCHAR", Form::length_first, ans, ascii, in_ebcdic, 3, 2, ebcdic},
    {"IFEP_LLLBINARY", Form::length_first, b, raw, in_ebcdic, 3, 2, ebcdic},
    {"IFELPE_LLLCHAR", Form::length_first, ans, ebcdic, in_ebcdic, 3, 2, ebcdic},
    {"IFEPE_LLCHAR", plain, ans, ebcdic, in_ebcdic, 2, 2, ebcdic},
    {"IFEPE_LLLCHAR", plain, ans, ebcdic, in_ebcdic, 3, 3, ebcdic},
    {"IFEPE_LLBINARY", plain, b, raw, in_ebcdic, 2, 2, ebcdic},
    {"IFEMC_LLCHAR", plain, ans, ebcdic, in_ebcdic, 2, 2, ascii},
    {"IFEMC_LLLCHAR", plain, ans, ebcdic, in_ebcdic, 3, 4, ebcdic},
    {"IFEMC_TCC", plain, ans, ebcdic},
    {"IFMC_LLCHAR", plain, ans, ascii, in_ascii, 2, 2},
    {"IFMC_LLLCHAR", plain, ans, ascii, in_ascii, 3, 2},
    {"IFMC_LLBINARY", plain, b, raw, in_ascii, 2, 2},
    {"IFMC_LLLBINARY", plain, b, raw, in_ascii, 3, 2},
    {"IFMC_TCC", plain, ans, ascii},
    {"IFIPM_LLLCHAR", plain, ans, ascii, in_ascii, 3, 4},
    {"IFTA_LLCHAR", plain, ans, ascii, in_ascii, 2},
    {"IFTA_LLLCHAR", plain, ans, ascii, in_ascii, 3},
    {"IFTA_LLNUM", plain, n, ascii, in_ascii, 2},
    {"IFTA_LLLNUM", plain, n, ascii, in_ascii, 3},
    {"IFTA_LLBINARY", plain, b, raw, in_ascii, 2},
    {"IFTA_LLLBINARY", plain, b, raw, in_ascii, 3},
    {"IFTB_LLBINARY", Form::refused, b, raw, fixed, 0, 0, ascii, own_tag},
    {"IF_FBINARY", Form::refused, b, raw, fixed, 0, 0, ascii, "takes what is left: only the last one could"},
    {"IF_FCHAR", Form::refused, ans, ascii, fixed, 0, 0, ascii,
     "takes what is left: only the last one could"},
    {"IF_FSTBINARY", Form::refused, b, raw, fixed, 0, 0, ascii, "ends at a byte: its length is not known"},
    {"IF_FSTCHAR", Form::refused, ans, ascii, fixed, 0, 0, ascii, "ends at a byte: its length is not known"},
    {"Base1_BITMAP126", Form::bitmap, b, raw},
    {"X92_BITMAP", Form::refused, b, raw, fixed, 0, 0, ascii, "a bitmap of X9.2, not of ISO 8583"},
});

/// IFTA_…: the tag is said by the field that has it (token), so that only such a field takes the class.
bool takes_token(std::string_view name) { return name.substr(0, 5) == "IFTA_"; }

void fill_up(FieldSpec& f) {
    if (!f.fixed() || f.content == Content::b || f.content == Content::xn) return;
    if (f.content == Content::z) return;
    f.fills = true;
    f.fill_align = f.content == Content::n ? Align::right : Align::left;
    f.fill = f.content == Content::n ? '0' : ' ';
}

FieldClass made(const JposClass& c, bool pad_left, int field) {
    FieldClass out;
    FieldSpec& f = out.spec;
    f.content = c.content == n ? usual_number(field) : c.content;
    f.encoding = c.encoding;
    f.prefix = c.prefix;
    f.prefix_size = c.prefix_size;
    if (f.encoding == bcd && f.content != xn) f.odd = pad_left ? Align::right : Align::left;
    // With pad the digits stand right and an odd one beside 0, whatever the class's own filler.
    if (c.form == Form::counted_f || (c.form == Form::filler_f && !pad_left)) f.odd_filler = 15;
    if (c.form == Form::counted_f) {
        f.counts = Counts::wire;
        f.odd = Align::left;
    }
    out.bitmap = c.form == Form::bitmap;
    out.absent = c.form == Form::absent;
    out.whole = c.form == Form::whole;
    out.half = c.form == Form::half;
    out.tag_size = c.tag_size;
    out.tag_encoding = c.tag_encoding;
    out.length_first = c.form == Form::length_first;
    out.note = c.note;
    if (!out.bitmap && !out.absent && !out.half) fill_up(f);
    return out;
}

bool take(std::string_view& text, std::string_view word) {
    if (text.substr(0, word.size()) != word) return false;
    text.remove_prefix(word.size());
    return true;
}

/// A name that jPOS does not have, made by the rules of those it has: IF A|B|E _ T* L* H? CHAR|NUM|BINARY.
std::optional<JposClass> by_rule(std::string_view name) {
    JposClass c;
    const bool in_a = take(name, "IFA_");
    const bool in_b = !in_a && take(name, "IFB_");
    if (!in_a && !in_b && !take(name, "IFE_")) return std::nullopt;
    while (take(name, "T")) ++c.tag_size;
    while (take(name, "L")) ++c.prefix_size;
    if (c.prefix_size == 0 || c.prefix_size > prefix_digits_max) return std::nullopt;
    c.prefix = in_a ? in_ascii : in_b ? in_bcd : in_ebcdic;
    c.encoding = in_a || in_b ? ascii : ebcdic;
    if (take(name, "H")) {
        // L LLL is counted in bytes: LLH is one byte, LLLH two.
        if (c.prefix_size < 2 || c.prefix_size > 3) return std::nullopt;
        c.prefix = in_binary;
        --c.prefix_size;
    }
    if (name == "BINARY") {
        c.content = b;
        c.encoding = raw;
    } else if (name == "NUM") {
        c.content = n;
        if (in_b) c.encoding = bcd;
    } else if (name != "CHAR") {
        return std::nullopt;
    }
    return c;
}

bool is_text(Content content) {
    return content != Content::n && content != Content::z && content != Content::b && content != Content::xn;
}

/// Does the class write the same as the field? A track in characters has the class of text where no class of
/// numbers writes it.
bool writes(const JposClass& c, const FieldSpec& f, bool track_as_text) {
    const bool alike = c.content == ans ? is_text(f.content) || (track_as_text && f.content == Content::z)
                       : c.content == n ? f.content == Content::n || f.content == Content::z
                                        : c.content == f.content;
    const bool filler = c.form == Form::filler_f || c.form == Form::counted_f;
    return alike && c.encoding == f.encoding && c.prefix == f.prefix && c.prefix_size == f.prefix_size &&
           (f.odd_filler != 0) == filler && (f.counts == Counts::wire) == (c.form == Form::counted_f) &&
           (!filler || f.odd == Align::left);
}

std::string words_of(const JposClass& c) {
    if (c.form == Form::absent) return "takes no bytes and is left out";
    std::string out;
    if (c.form == Form::bitmap) return fmt::format("bitmap, {}", name_of(c.encoding));
    out = fmt::format("{}, {}", name_of(c.content), name_of(c.encoding));
    if (c.prefix != fixed) out += fmt::format(", {} {}", std::string(c.prefix_size, 'L'), name_of(c.prefix));
    if (c.form == Form::whole) out += ", always its whole length";
    if (c.form == Form::filler_f) out += ", F beside an odd digit";
    if (c.form == Form::counted_f) out += ", F beside an odd digit, length in bytes";
    if (c.tag_size != 0)
        out += fmt::format(", a tag of {} {}{}", static_cast<int>(c.tag_size), name_of(c.tag_encoding),
                           c.form == Form::length_first ? " behind the length" : "");
    if (takes_token(c.name)) out += ", a tag before it (token)";
    if (!c.note.empty()) out += fmt::format("; {}", c.note);
    return out;
}

}  // namespace

Result<FieldClass, ClassRefusal> parse_field_class(std::string_view name, bool pad_left, int field) {
    const std::string_view full = name;
    name.remove_prefix(std::min(name.size(), name.rfind('.') + 1));
    for (const JposClass& c : classes) {
        if (c.name != name) continue;
        if (c.form == Form::refused)
            return tl::unexpected(ClassRefusal{fmt::format("class {} is not read: {}", full, c.note)});
        return made(c, pad_left, field);
    }
    const auto ruled = by_rule(name);
    if (!ruled) return tl::unexpected(ClassRefusal{fmt::format("class {} is not one that is known", full)});
    FieldClass out = made(*ruled, pad_left, field);
    out.note = fmt::format("jPOS has no class {}: it is read by its name", name);
    return out;
}

std::string class_name_of(const FieldSpec& f, std::uint8_t tag_size, Encoding tag_encoding,
                          bool length_first) {
    for (const bool track_as_text : {false, true})
        for (const JposClass& c : classes) {
            if (c.form == Form::refused || c.form == Form::bitmap || c.form == Form::absent ||
                c.form == Form::whole || c.form == Form::half || takes_token(c.name))
                continue;
            if (c.tag_size != tag_size || (tag_size != 0 && c.tag_encoding != tag_encoding)) continue;
            if ((c.form == Form::length_first) != length_first) continue;
            if (writes(c, f, track_as_text)) return fmt::format("org.jpos.iso.{}", c.name);
        }
    return {};
}

std::vector<ClassAnswer> jpos_classes() {
    std::vector<ClassAnswer> out;
    for (const JposClass& c : classes)
        out.push_back(
            {c.name, c.form != Form::refused, c.form == Form::refused ? std::string(c.note) : words_of(c)});
    return out;
}

}  // namespace iso8583::specs
