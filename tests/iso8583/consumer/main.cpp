#include <iso8583/codec.hpp>
#include <iso8583/describe.hpp>
#include <iso8583/specs/spec_file.hpp>

int main() {
    const auto dialect = iso8583::specs::find_or_load_dialect("iso87-ascii");
    if (!dialect) return 1;
    iso8583::FieldValues values(iso8583::Mti::of(800));
    values.set(iso8583::Field::stan, "000001");
    const auto encoded = iso8583::encode(**dialect, values);
    if (!encoded) return 1;
    const auto message = iso8583::decode(**dialect, encoded->body);
    return message && iso8583::describe(*message).find("000001") != std::string::npos ? 0 : 1;
}
