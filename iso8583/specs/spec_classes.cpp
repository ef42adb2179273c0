#include "iso8583/specs/spec_classes.hpp"

#include <fmt/format.h>

#include "iso8583/specs/moov_words.hpp"

namespace iso8583::specs {

std::vector<ClassAnswer> jpos_packagers() {
    const std::string tagged = "tagged; the classes inside say the form of tags and lengths";
    const std::string tlv = "BER-TLV; fields listed inside are kept as bytes";
    const std::string code = "what it does is code, not a table";
    return {
        {"GenericSubFieldPackager", true,
         "one after the other, or a bitmap (emitBitmap, bitmapField, firstField)"},
        {"GenericPackager", true, "the same; without a message type inside"},
        {"CTCSubFieldPackager", true, "one after the other"},
        {"Base1SubFieldPackager", true, "a bitmap at id 0 that counts from 1 and has no second one"},
        {"GenericTaggedFieldsPackager", true, tagged + "; tags are the ids, lenSize that of unlisted ones"},
        {"EuroSubFieldPackager", true, tagged + "; id 0 stands before them"},
        {"MasterCardEBCDICSubFieldPackager", true, tagged + "; id 0 stands before them"},
        {"GICCSubFieldPackager", true, tagged + "; id 0 is left out"},
        {"TaggedSequencePackager", true, "tagged by tokens; # is for tags that are not listed"},
        {"BinaryHexTaggedSequencePackager", true, "the same with tags of bytes"},
        {"DatasetPackager", true, "datasets: identifier, length, BER-TLV or a bitmap of their own"},
        {"ICCDataPackager", true, tlv},
        {"BERTLVBinaryPackager", true, tlv},
        {"BERTLVAsciiHexPackager", true, tlv + ", written as hex"},
        {"BERTLVEbcdicHexPackager", true, tlv + ", written as EBCDIC hex"},
        {"DefaultICCBERTLVPackager", false, code},
        {"CTCSubElementPackager", false, "writes a key that it does not read"},
        {"GenericValidatingPackager", false, "validators check what is sent; they are code"},
        {"DummyPackager", false, "writes nothing"},
        {"FSDPackager", false, "a format of its own, not ISO 8583"},
        {"XMLPackager", false, "a format of its own, not ISO 8583"},
        {"X92GenericPackager", false, "ANSI X9.2, another bitmap"},
    };
}

std::vector<ClassAnswer> moov_types() {
    std::vector<ClassAnswer> out;
    for (const std::string_view type : {"String", "Numeric", "Binary", "Hex", "Track1", "Track2", "Track3"}) {
        FieldSpec f;
        const std::string_view enc = type == "Binary" || type == "Hex" ? "Binary" : "ASCII";
        const std::string fault = apply_moov_content(f, type, enc);
        out.push_back({type, fault.empty(), fault.empty() ? std::string(name_of(f.content)) : fault});
    }
    out.push_back({"Bitmap", true, "field 1, or the bitmap of a Composite"});
    out.push_back({"Composite", true, "one after the other, by tags, BER-TLV, or a bitmap"});
    return out;
}

std::vector<ClassAnswer> moov_encodings() {
    std::vector<ClassAnswer> out;
    for (const std::string_view enc :
         {"ASCII", "EBCDIC", "EBCDIC1047", "BCD", "LBCD", "Binary", "HexToASCII", "ASCIIToHex"}) {
        FieldSpec f;
        const bool bytes = enc == "Binary" || enc == "HexToASCII" || enc == "ASCIIToHex";
        const std::string fault = apply_moov_content(f, bytes ? "Binary" : "Numeric", enc);
        std::string what = fault.empty() ? std::string(name_of(f.encoding)) : fault;
        if (enc == "EBCDIC") what += "; as code page 1047, six signs differ";
        if (enc == "BCD" || enc == "LBCD")
            what += f.odd == Align::right ? ", an odd digit right" : ", an odd digit left";
        out.push_back({enc, fault.empty(), what});
    }
    out.push_back({"BerTLVTag", true, "tags of BER-TLV"});
    return out;
}

std::vector<ClassAnswer> moov_prefixes() {
    std::vector<ClassAnswer> out;
    for (const std::string_view prefix :
         {"None.Fixed", "ASCII.Fixed", "ASCII.LLLL", "BCD.Fixed", "BCD.LLLL", "EBCDIC.Fixed", "EBCDIC.LLLL",
          "Binary.Fixed", "Binary.LL", "Hex.Fixed", "BerTLV"}) {
        const auto p = parse_moov_prefix(prefix);
        std::string what = !p       ? std::string("is not mapped")
                           : p->tlv ? std::string("the length of BER-TLV")
                           : p->prefix == Prefix::none
                               ? std::string("fixed")
                               : fmt::format("L to {} {}", std::string(p->size, 'L'), name_of(p->prefix));
        if (prefix == "Binary.LL") what += ", as many bytes";
        if (prefix == "None.Fixed") what = "fixed; there it takes what is left";
        out.push_back({prefix, p.has_value(), what});
    }
    out.push_back({"Binary.LLLL", false, "lengths of 3 and 4 bytes: no message is so long"});
    out.push_back({"Hex.LLLL", false, "lengths in hex characters"});
    return out;
}

}  // namespace iso8583::specs
