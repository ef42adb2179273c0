// What a terminal's message must have, and what is said of one that has it not.
#include <algorithm>

#include <catch2/catch.hpp>

#include "switch/core/request.hpp"

using namespace acquirer;
using iso8583::Field;
using iso8583::FieldValues;

namespace {

FieldValues unionpay_sale() {
    FieldValues f(iso8583::Mti::of(200));
    f.set(Field::pan, "4111111111111111");
    f.set(Field::processing_code, "000000");
    f.set(Field::amount_transaction, "000000010000");
    f.set(Field::stan, "000001");
    f.set(Field::pos_entry_mode, "051");
    f.set(Field::pos_condition_code, "00");
    f.set(Field::terminal, "10000001");
    f.set(Field::merchant, "898110157220001");
    f.set(Field::currency_transaction, "156");
    f.set(Field::reserved_private_60, "22000001000");
    return f;
}
std::optional<TerminalRequest> parse(FieldValues f, Profile p = Profile::unionpay_pos) {
    return parse_terminal_request(p, std::move(f), {}, iso8583::Currency::of(156));
}

}  // namespace

TEST_CASE("R25 mandatory fields: what is missing is named", "[R25]") {
    CHECK(parse(unionpay_sale())->format_fault.empty());
    for (Field f : {Field::pan, Field::processing_code, Field::amount_transaction, Field::pos_entry_mode,
                    Field::pos_condition_code, Field::currency_transaction, Field::reserved_private_60}) {
        FieldValues without = unionpay_sale();
        without.erase(f);
        const auto r = parse(without);
        REQUIRE(r);
        INFO(iso8583::number(f));
        // Also where without it nobody knows what the message is (DE3, DE60): 30, not 40.
        CHECK(r->format_fault == "DE" + std::to_string(iso8583::number(f)) + " is missing");
    }
    for (Field f : {Field::stan, Field::terminal, Field::merchant}) {
        FieldValues without = unionpay_sale();
        without.erase(f);
        CHECK(!parse(without));  // cannot be answered
    }
}

TEST_CASE("an ISO message that does not say what it is is answered 30", "[R25]") {
    FieldValues f = unionpay_sale();
    f.erase(Field::reserved_private_60);
    f.set(Field::transmission_time, "1121040000");
    f.erase(Field::processing_code);
    CHECK(parse(f, Profile::iso87)->format_fault == "DE3 is missing");
    f.set_mti(iso8583::Mti::of(800));
    CHECK(parse(f, Profile::iso87)->format_fault == "DE70 is missing");
}

TEST_CASE("a field that no row of the table allows is refused in unionpay-pos, ignored in the ISO profile",
          "[R25]") {
    struct Row {
        int mti;
        const char* code;
        const char* type_and_network;
        std::vector<int> allowed;  // of those below
    };
    const std::vector<int> tried = {5,  7,  12, 13, 14, 23, 26, 36, 38, 39, 44,
                                    48, 52, 53, 54, 55, 59, 62, 63, 66, 90, 95};
    for (const Row& row : {Row{200, "000000", "22", {14, 23, 26, 36, 48, 52, 53, 55, 59, 62, 63}},
                           Row{220, "200000", "25", {14, 23, 26, 36, 38, 48, 52, 53, 55, 59, 62, 63}},
                           Row{400, "000000", "22", {14, 23, 26, 36, 38, 39, 48, 52, 53, 55, 59, 62, 63}}}) {
        FieldValues base = unionpay_sale();
        base.set_mti(iso8583::Mti::of(row.mti));
        base.set(Field::processing_code, row.code);
        base.set(Field::reserved_private_60, std::string(row.type_and_network) + "000001000");
        if (row.mti == 220) {
            base.set(Field::rrn, "632500000001");
            base.set(Field::reserved_private_61, "0000000000001121");
        }
        if (row.mti == 400) base.set(Field::response_code, "98");
        REQUIRE(parse(base)->format_fault.empty());
        for (const int n : tried) {
            FieldValues f = base;
            f.set(iso8583::field(n), n == 7 ? "1121040000" : n == 36 ? "1234" : "123456");
            INFO(row.mti << " with DE" << n);
            const bool allowed = std::find(row.allowed.begin(), row.allowed.end(), n) != row.allowed.end();
            const std::string fault = parse(f)->format_fault;
            if (allowed)
                CHECK(fault.find("does not belong") == std::string::npos);
            else
                CHECK(fault.find("DE" + std::to_string(n) + " does not belong in a ") == 0);
        }
    }
    FieldValues iso = unionpay_sale();
    iso.erase(Field::reserved_private_60);
    iso.set(Field::transmission_time, "1121040000");
    iso.set(iso8583::field(5), "000000000001");
    iso.set(iso8583::field(105), "whatever");
    CHECK(parse(iso, Profile::iso87)->format_fault.empty());
}

TEST_CASE("DE2 and DE35 must name one card; DE35 alone will do", "[R15]") {
    FieldValues f = unionpay_sale();
    f.set(Field::track2, "4111111111111111=30121010000000000");
    CHECK(parse(f)->format_fault.empty());
    f.erase(Field::pan);
    CHECK(parse(f)->format_fault.empty());
    CHECK(parse(f)->means.pin_account().last4() == "1111");
    f.set(Field::pan, "5555555555554444");
    const auto fault = parse(f)->format_fault;
    CHECK(fault == "DE2 and DE35 name different cards");
}

TEST_CASE("kinds of both profiles", "[R1]") {
    struct Row {
        Profile profile;
        int mti;
        const char* code;
        const char* type;
        const char* network;
        RequestKind kind;
    };
    for (const Row& row :
         {Row{Profile::unionpay_pos, 200, "000000", "22", "000", RequestKind::sale},
          Row{Profile::unionpay_pos, 200, "200000", "23", "000", RequestKind::void_sale},
          Row{Profile::unionpay_pos, 220, "200000", "25", "000", RequestKind::refund},
          Row{Profile::unionpay_pos, 200, "200000", "25", "000", RequestKind::unsupported},
          Row{Profile::unionpay_pos, 400, "200000", "23", "000", RequestKind::reversal},
          Row{Profile::unionpay_pos, 401, "000000", "22", "000", RequestKind::reversal},
          Row{Profile::unionpay_pos, 100, "030000", "10", "000", RequestKind::authorization},
          Row{Profile::unionpay_pos, 100, "000000", "22", "000", RequestKind::unsupported},
          Row{Profile::unionpay_pos, 100, "200000", "11", "000", RequestKind::void_authorization},
          Row{Profile::unionpay_pos, 200, "000000", "20", "000", RequestKind::completion},
          Row{Profile::unionpay_pos, 200, "200000", "21", "000", RequestKind::void_sale},
          Row{Profile::unionpay_pos, 221, "000000", "24", "000", RequestKind::completion_advice},
          Row{Profile::unionpay_pos, 400, "030000", "10", "000", RequestKind::reversal},
          Row{Profile::unionpay_pos, 400, "000000", "24", "000", RequestKind::reversal},
          Row{Profile::iso87, 100, "030000", "", "", RequestKind::authorization},
          Row{Profile::iso87, 100, "020000", "", "", RequestKind::void_authorization},
          Row{Profile::iso87, 220, "000000", "", "", RequestKind::completion_advice},
          Row{Profile::iso87, 220, "220000", "", "", RequestKind::unsupported},
          Row{Profile::iso87, 420, "030000", "", "", RequestKind::reversal},
          Row{Profile::unionpay_pos, 800, "", "00", "003", RequestKind::sign_on},
          Row{Profile::unionpay_pos, 820, "", "00", "002", RequestKind::sign_off},
          Row{Profile::unionpay_pos, 320, "", "00", "207", RequestKind::batch_upload_end},
          Row{Profile::iso87, 200, "000000", "", "", RequestKind::sale},
          Row{Profile::iso87, 200, "020000", "", "", RequestKind::void_sale},
          Row{Profile::iso87, 220, "200000", "", "", RequestKind::refund},
          Row{Profile::iso87, 421, "200000", "", "", RequestKind::reversal},
          Row{Profile::iso87, 200, "220000", "", "", RequestKind::unsupported},
          Row{Profile::iso87, 800, "", "", "301", RequestKind::echo},
          Row{Profile::iso87, 500, "", "", "", RequestKind::settlement}}) {
        FieldValues f = unionpay_sale();
        f.set_mti(iso8583::Mti::of(row.mti));
        if (*row.code) f.set(Field::processing_code, row.code);
        f.set(Field::reserved_private_60, std::string(row.type) + "000001" + row.network);
        if (row.profile == Profile::iso87) {
            f.erase(Field::reserved_private_60);
            if (*row.network) f.set(Field::network_management_code, row.network);
            f.set(Field::transmission_time, "1121040000");
        }
        INFO(row.mti << " " << row.code << " " << row.type);
        CHECK(parse(f, row.profile)->kind == row.kind);
    }
}

TEST_CASE("R23 a malformed DE90 or DE61 is a format fault or simply nothing", "[R23]") {
    FieldValues f = unionpay_sale();
    f.erase(Field::reserved_private_60);
    f.set(Field::transmission_time, "1121040000");
    f.set_mti(iso8583::Mti::of(400));
    f.set(Field::original_data, "0200000001112104000" + std::string(23, '0'));
    CHECK(parse(f, Profile::iso87)->format_fault.empty());
    f.set(Field::original_data, "02000000019921040000" + std::string(22, '0'));
    CHECK(parse(f, Profile::iso87)->format_fault.find("DE90") == 0);
}
