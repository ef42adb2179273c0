// Our own form of a dialect: everything a DialectSpec can say, in TOML. A file may start from a built-in
// dialect (base = "87-ascii-hexbmp") and say only what differs.
#include <fmt/format.h>

#include <toml++/toml.h>

#include "iso8583/specs/file_text.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

class TomlReader {
  public:
    explicit TomlReader(std::string_view file) : file_(file) {}

    void read(const toml::table& root) {
        only(root, "",
             {"name", "source", "base", "remove", "mti", "bitmap", "tertiary", "tertiary_field", "text",
              "framing", "fields"});
        if (const auto base = text(root, "base", "")) {
            if (const Dialect* d = find_dialect(*base))
                out.spec = d->spec();
            else
                problem(*root.get("base"), "base", fmt::format("there is no built-in dialect \"{}\"", *base));
        }
        set(out.spec.name, text(root, "name", ""));
        set(out.spec.source, text(root, "source", ""));
        if (out.spec.name.empty()) out.spec.name = file_;
        set(out.spec.mti, word(root, "mti", "", encoding_words));
        set(out.spec.bitmap, word(root, "bitmap", "", bitmap_words));
        set(out.spec.tertiary, word(root, "tertiary", "", tertiary_words));
        if (const auto n = integer(root, "tertiary_field", "", field_number_max))
            out.spec.tertiary_field = static_cast<std::uint8_t>(*n);
        set(out.spec.text, word(root, "text", "", text_words));
        if (const toml::table* framing = table(root, "framing", "")) read_framing(*framing);
        read_remove(root);
        if (const toml::table* fields = table(root, "fields", ""))
            for (const auto& [key, node] : *fields) read_field_entry(key.str(), node);
    }

    LoadedSpec out;
    SpecProblems problems;

  private:
    void problem(const toml::node& at, const std::string& path, std::string what) {
        problems.push_back({fmt::format("{}:{} {}", file_, at.source().begin.line, path), std::move(what)});
    }
    template <typename T>
    static void set(T& target, const std::optional<T>& value) {
        if (value) target = *value;
    }
    static std::string join(const std::string& path, std::string_view key) {
        return path.empty() ? std::string(key) : path + "." + std::string(key);
    }

    void only(const toml::table& t, const std::string& path, std::initializer_list<std::string_view> keys) {
        for (const auto& [key, node] : t)
            if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
                problem(node, join(path, key.str()), "is not a key of a dialect file");
    }
    std::optional<std::string> text(const toml::table& t, std::string_view key, const std::string& path) {
        const toml::node* node = t.get(key);
        if (node == nullptr) return std::nullopt;
        if (auto v = node->value<std::string>()) return v;
        problem(*node, join(path, key), "a text is needed");
        return std::nullopt;
    }
    std::optional<std::int64_t> integer(const toml::table& t, std::string_view key, const std::string& path,
                                        std::int64_t max) {
        const toml::node* node = t.get(key);
        if (node == nullptr) return std::nullopt;
        const auto v = node->value_exact<std::int64_t>();
        if (v && *v >= 0 && *v <= max) return v;
        problem(*node, join(path, key), fmt::format("a whole number from 0 to {} is needed", max));
        return std::nullopt;
    }
    std::optional<bool> boolean(const toml::table& t, std::string_view key, const std::string& path) {
        const toml::node* node = t.get(key);
        if (node == nullptr) return std::nullopt;
        if (auto v = node->value_exact<bool>()) return v;
        problem(*node, join(path, key), "true or false is needed");
        return std::nullopt;
    }
    const toml::table* table(const toml::table& t, std::string_view key, const std::string& path) {
        const toml::node* node = t.get(key);
        if (node == nullptr) return nullptr;
        if (const toml::table* v = node->as_table()) return v;
        problem(*node, join(path, key), "a table is needed");
        return nullptr;
    }
    template <typename Enum, std::size_t N>
    std::optional<Enum> word(const toml::table& t, std::string_view key, const std::string& path,
                             const Words<Enum, N>& words) {
        const auto v = text(t, key, path);
        if (!v) return std::nullopt;
        const auto parsed = words.parse(*v);
        if (!parsed)
            problem(*t.get(key), join(path, key), fmt::format("\"{}\" is none of {}", *v, words.all()));
        return parsed;
    }

    void read_framing(const toml::table& t) {
        FramingSpec& f = out.spec.framing;
        only(t, "framing",
             {"length", "inclusive", "tpdu", "header_bytes", "trailer_bytes", "body_bytes_max"});
        set(f.length, word(t, "length", "framing", frame_length_words));
        set(f.inclusive, boolean(t, "inclusive", "framing"));
        set(f.tpdu, boolean(t, "tpdu", "framing"));
        if (auto v = integer(t, "header_bytes", "framing", 255))
            f.header_bytes = static_cast<std::uint8_t>(*v);
        if (auto v = integer(t, "trailer_bytes", "framing", 255))
            f.trailer_bytes = static_cast<std::uint8_t>(*v);
        if (auto v = integer(t, "body_bytes_max", "framing", 0x7FFF))
            f.body_bytes_max = static_cast<std::uint16_t>(*v);
    }

    void read_remove(const toml::table& root) {
        const toml::node* node = root.get("remove");
        if (node == nullptr) return;
        const toml::array* list = node->as_array();
        if (list == nullptr) return problem(*node, "remove", "a list of field numbers is needed");
        for (const toml::node& item : *list) {
            const auto n = item.value_exact<std::int64_t>();
            auto& fields = out.spec.fields;
            const auto f = std::find_if(fields.begin(), fields.end(),
                                        [&](const FieldSpec& x) { return n && x.number == *n; });
            if (f == fields.end())
                problem(item, "remove", "names no field of the base");
            else
                fields.erase(f);
        }
    }

    void read_field_entry(std::string_view key, const toml::node& node) {
        const std::string path = join("fields", key);
        const auto number = parse_field_number(key);
        if (!number) return problem(node, path, fmt::format("field numbers are 2 to {}", field_number_max));
        const toml::table* t = node.as_table();
        if (t == nullptr) return problem(node, path, "a table is needed");
        auto& fields = out.spec.fields;
        auto f = std::find_if(fields.begin(), fields.end(),
                              [&](const FieldSpec& x) { return x.number == *number; });
        if (f == fields.end()) {
            f = fields.insert(fields.end(), FieldSpec{});
            f->number = static_cast<std::uint8_t>(*number);
            f->secret = usual_secret(*number);
        }
        read_field(*f, *t, path, false);
    }

    void read_field(FieldSpec& f, const toml::table& t, const std::string& path, bool inner) {
        only(t, path,
             inner ? std::initializer_list<std::string_view>{"id", "name", "source", "content", "encoding",
                                                             "length", "unit", "length_encoding", "max",
                                                             "min", "counts", "odd", "filler", "fill",
                                                             "fill_align", "secret", "subfields", "rest"}
                   : std::initializer_list<std::string_view>{
                         "name", "source", "content", "encoding", "length", "unit", "length_encoding", "max",
                         "min", "counts", "odd", "filler", "fill", "fill_align", "secret", "subfields"});
        set(f.name, text(t, "name", path));
        set(f.source, text(t, "source", path));
        set(f.content, word(t, "content", path, content_words));
        set(f.encoding, word(t, "encoding", path, encoding_words));
        set(f.counts, word(t, "counts", path, counts_words));
        set(f.odd, word(t, "odd", path, align_words));
        set(f.secret, word(t, "secret", path, secret_words));
        if (inner) set(f.rest, boolean(t, "rest", path));
        read_length(f, t, path);
        // Said so that people see it; what a content is counted in is not a choice.
        if (const auto unit = word(t, "unit", path, unit_words); unit && *unit != unit_of(f.content))
            problem(*t.get("unit"), join(path, "unit"),
                    fmt::format("content {} is counted in {}, not in {}", name_of(f.content),
                                name_of(unit_of(f.content)), name_of(*unit)));
        if (const auto filler = text(t, "filler", path)) {
            if (*filler == "0" || *filler == "F")
                f.odd_filler = *filler == "F" ? 15 : 0;
            else
                problem(*t.get("filler"), join(path, "filler"),
                        "the filler of an odd digit is \"0\" or \"F\"");
        }
        if (const auto fill = text(t, "fill", path)) {
            f.fills = !fill->empty();
            if (fill->size() == 1)
                f.fill = fill->front();
            else if (*fill == "00")
                f.fill = '\0';
            else if (!fill->empty())
                problem(*t.get("fill"), join(path, "fill"),
                        "one character is needed, \"00\" for bytes, or \"\" for none");
        }
        set(f.fill_align, word(t, "fill_align", path, align_words));
        if (const toml::table* sub = table(t, "subfields", path))
            f.subfields = read_subfields(*sub, join(path, "subfields"));
    }

    void read_length(FieldSpec& f, const toml::table& t, const std::string& path) {
        if (const toml::node* node = t.get("length")) {
            if (const auto digits = node->value_exact<std::int64_t>()) {
                f.prefix = Prefix::none;
                f.prefix_size = 0;
                f.min = f.max = static_cast<std::uint16_t>(*digits >= 0 && *digits <= 0xFFFF ? *digits : 0);
            } else {
                const auto ls = node->value<std::string>().value_or("");
                if (ls.empty() || ls.size() > prefix_digits_max ||
                    ls.find_first_not_of('L') != std::string::npos)
                    return problem(*node, join(path, "length"),
                                   "a number of units, or \"L\" to \"LLLLLL\", is needed");
                f.prefix_size = static_cast<std::uint8_t>(ls.size());
                if (f.prefix == Prefix::none) {
                    f.prefix = Prefix::ascii;
                    f.min = 0;
                }
            }
        }
        if (const auto encoding = word(t, "length_encoding", path, prefix_words)) {
            if (f.prefix_size == 0)
                problem(*t.get("length_encoding"), join(path, "length_encoding"),
                        "a fixed length has no prefix to encode");
            else
                f.prefix = *encoding;
        }
        if (const auto max = integer(t, "max", path, 0xFFFF)) f.max = static_cast<std::uint16_t>(*max);
        if (const auto min = integer(t, "min", path, 0xFFFF)) f.min = static_cast<std::uint16_t>(*min);
    }

    std::shared_ptr<const SubfieldSet> read_subfields(const toml::table& t, const std::string& path) {
        auto set_of = std::make_shared<SubfieldSet>();
        SubfieldSet& s = *set_of;
        if (++depth_ > subfield_depth_max) {
            problem(t, path, fmt::format("nested deeper than {}", subfield_depth_max));
            --depth_;
            return set_of;
        }
        only(t, path,
             {"kind", "tag_size", "tag_encoding", "length_first", "lead", "bitmap_bytes", "bitmap_encoding",
              "bitmap_extends", "only_units", "unknown_length", "unknown_length_encoding", "list"});
        set(s.kind, word(t, "kind", path, subfield_words));
        set(s.tag_encoding, word(t, "tag_encoding", path, encoding_words));
        set(s.length_first, boolean(t, "length_first", path));
        if (const auto v = integer(t, "lead", path, 255)) s.lead = static_cast<std::uint8_t>(*v);
        set(s.bitmap_encoding, word(t, "bitmap_encoding", path, bitmap_words));
        set(s.bitmap_extends, boolean(t, "bitmap_extends", path));
        if (const auto ls = text(t, "unknown_length", path)) {
            if (ls->empty() || ls->size() > prefix_digits_max ||
                ls->find_first_not_of('L') != std::string::npos)
                problem(*t.get("unknown_length"), join(path, "unknown_length"),
                        "\"L\" to \"LLLLLL\" is needed");
            s.unknown_prefix_size = static_cast<std::uint8_t>(ls->size());
            s.unknown_prefix = Prefix::ascii;
        }
        set(s.unknown_prefix, word(t, "unknown_length_encoding", path, prefix_words));
        if (const auto v = integer(t, "tag_size", path, 255)) s.tag_size = static_cast<std::uint8_t>(*v);
        if (const auto v = integer(t, "bitmap_bytes", path, 255))
            s.bitmap_bytes = static_cast<std::uint8_t>(*v);
        if (const auto v = integer(t, "only_units", path, 0xFFFF))
            s.only_units = static_cast<std::uint16_t>(*v);
        if (const toml::node* node = t.get("list")) {
            const toml::array* list = node->as_array();
            if (list == nullptr)
                problem(*node, join(path, "list"), "a list of subfields is needed");
            else
                for (const toml::node& item : *list) read_subfield(s, item, join(path, "list"));
        }
        --depth_;
        return set_of;
    }

    void read_subfield(SubfieldSet& s, const toml::node& item, const std::string& path) {
        const toml::table* t = item.as_table();
        if (t == nullptr) return problem(item, path, "a table is needed");
        Subfield sub;
        if (const auto id = text(*t, "id", path))
            sub.id = *id;
        else
            problem(item, path, "an id is needed");
        read_field(sub.spec, *t, join(path, sub.id), true);
        // A tag of BER-TLV has its length in the TLV; any will do for the table.
        if (s.kind == SubfieldSet::Kind::ber_tlv && sub.spec.max == 0) sub.spec.min = sub.spec.max = 1;
        s.fields.push_back(std::move(sub));
    }

    std::string file_;
    int depth_ = 0;
};

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        else
            out.push_back(c);
    }
    return out + "\"";
}

class TomlWriter {
  public:
    std::string run(const DialectSpec& spec) {
        line("name", quoted(spec.name));
        if (!spec.source.empty()) line("source", quoted(spec.source));
        line("mti", quoted(encoding_words.word(spec.mti)));
        line("bitmap", quoted(bitmap_words.word(spec.bitmap)));
        if (spec.tertiary != TertiaryBitmap::none)
            line("tertiary", quoted(tertiary_words.word(spec.tertiary)));
        if (spec.tertiary == TertiaryBitmap::at_field)
            line("tertiary_field", std::to_string(spec.tertiary_field));
        if (spec.text != TextEncoding::latin1) line("text", quoted(text_words.word(spec.text)));
        out_ += "\n[framing]\n";
        const FramingSpec& f = spec.framing;
        line("length", quoted(frame_length_words.word(f.length)));
        if (f.inclusive) line("inclusive", "true");
        if (f.tpdu) line("tpdu", "true");
        if (f.header_bytes != 0) line("header_bytes", std::to_string(f.header_bytes));
        if (f.trailer_bytes != 0) line("trailer_bytes", std::to_string(f.trailer_bytes));
        line("body_bytes_max", std::to_string(f.body_bytes_max));
        for (const FieldSpec& field : spec.fields) {
            out_ += fmt::format("\n[fields.{}]\n", field.number);
            write_field(field, fmt::format("fields.{}", field.number), usual_secret(field.number));
        }
        return std::move(out_);
    }

  private:
    void line(std::string_view key, const std::string& value) {
        out_ += fmt::format("{} = {}\n", key, value);
    }

    void write_field(const FieldSpec& f, const std::string& path, Secret usual) {
        if (!f.name.empty()) line("name", quoted(f.name));
        if (!f.source.empty()) line("source", quoted(f.source));
        line("content", quoted(content_words.word(f.content)));
        line("encoding", quoted(encoding_words.word(f.encoding)));
        if (f.fixed()) {
            line("length", std::to_string(f.max));
            if (f.rest) line("rest", "true");
            if (f.min != f.max) line("min", std::to_string(f.min));
        } else {
            line("length", quoted(std::string(f.prefix_size, 'L')));
            line("length_encoding", quoted(prefix_words.word(f.prefix)));
            line("max", std::to_string(f.max));
            if (f.min != 0) line("min", std::to_string(f.min));
        }
        line("unit", quoted(name_of(unit_of(f.content))));
        if (f.counts != Counts::units) line("counts", quoted(counts_words.word(f.counts)));
        if (f.odd != Align::right) line("odd", quoted(align_words.word(f.odd)));
        if (f.odd_filler != 0) line("filler", quoted("F"));
        if (f.fills) {
            line("fill", quoted(f.fill == '\0' ? "00" : std::string(1, f.fill)));
            line("fill_align", quoted(align_words.word(f.fill_align)));
        }
        if (f.secret != usual) line("secret", quoted(secret_words.word(f.secret)));
        if (!f.subfields) return;
        const SubfieldSet& s = *f.subfields;
        out_ += fmt::format("\n[{}.subfields]\n", path);
        line("kind", quoted(subfield_words.word(s.kind)));
        if (s.kind == SubfieldSet::Kind::tagged) {
            line("tag_size", std::to_string(s.tag_size));
            line("tag_encoding", quoted(encoding_words.word(s.tag_encoding)));
            if (s.unknown_prefix != Prefix::none) {
                line("unknown_length", quoted(std::string(s.unknown_prefix_size, 'L')));
                line("unknown_length_encoding", quoted(prefix_words.word(s.unknown_prefix)));
            }
            if (s.length_first) line("length_first", "true");
            if (s.lead != 0) line("lead", std::to_string(s.lead));
        }
        if (s.kind == SubfieldSet::Kind::bitmap) {
            line("bitmap_bytes", std::to_string(s.bitmap_bytes));
            line("bitmap_encoding", quoted(bitmap_words.word(s.bitmap_encoding)));
            line("bitmap_extends", s.bitmap_extends ? "true" : "false");
        }
        if (s.only_units != 0) line("only_units", std::to_string(s.only_units));
        for (const Subfield& sub : s.fields) {
            out_ += fmt::format("\n[[{}.subfields.list]]\n", path);
            line("id", quoted(sub.id));
            write_field(sub.spec, path + ".subfields.list", Secret::none);
        }
    }

    std::string out_;
};

}  // namespace

Result<LoadedSpec, SpecProblems> read_toml(std::string_view bytes, std::string_view file_name) {
    const FileText text = file_text(bytes);
    if (!text.problem.empty()) return tl::unexpected(SpecProblems{{std::string(file_name), text.problem}});
    TomlReader reader(file_name);
    if (!text.note.empty()) reader.out.notes.push_back({std::string(file_name), text.note});
    try {
        reader.read(toml::parse(text.utf8));
    } catch (const toml::parse_error& e) {
        return tl::unexpected(SpecProblems{
            {fmt::format("{}:{}", file_name, e.source().begin.line), std::string(e.description())}});
    }
    if (reader.problems.empty() && reader.out.spec.fields.empty())
        reader.problems.push_back({std::string(file_name), "has no fields"});
    if (!reader.problems.empty()) return tl::unexpected(std::move(reader.problems));
    return std::move(reader.out);
}

std::string write_toml(const DialectSpec& spec) { return TomlWriter().run(spec); }

}  // namespace iso8583::specs
