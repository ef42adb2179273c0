#include "iso8583/values/currency_letters.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace iso8583 {
namespace {

struct Row {
    std::uint16_t numeric;
    std::string_view letters;
};
// The numbers in use, ascending. clang-format off: a table
constexpr std::array rows = {
    Row{8, "ALL"},   Row{12, "DZD"},  Row{32, "ARS"},  Row{36, "AUD"},  Row{44, "BSD"},  Row{48, "BHD"},
    Row{50, "BDT"},  Row{51, "AMD"},  Row{52, "BBD"},  Row{60, "BMD"},  Row{64, "BTN"},  Row{68, "BOB"},
    Row{72, "BWP"},  Row{84, "BZD"},  Row{90, "SBD"},  Row{96, "BND"},  Row{104, "MMK"}, Row{108, "BIF"},
    Row{116, "KHR"}, Row{124, "CAD"}, Row{132, "CVE"}, Row{136, "KYD"}, Row{144, "LKR"}, Row{152, "CLP"},
    Row{156, "CNY"}, Row{170, "COP"}, Row{174, "KMF"}, Row{188, "CRC"}, Row{192, "CUP"}, Row{203, "CZK"},
    Row{208, "DKK"}, Row{214, "DOP"}, Row{222, "SVC"}, Row{230, "ETB"}, Row{232, "ERN"}, Row{238, "FKP"},
    Row{242, "FJD"}, Row{262, "DJF"}, Row{270, "GMD"}, Row{292, "GIP"}, Row{320, "GTQ"}, Row{324, "GNF"},
    Row{328, "GYD"}, Row{332, "HTG"}, Row{340, "HNL"}, Row{344, "HKD"}, Row{348, "HUF"}, Row{352, "ISK"},
    Row{356, "INR"}, Row{360, "IDR"}, Row{364, "IRR"}, Row{368, "IQD"}, Row{376, "ILS"}, Row{388, "JMD"},
    Row{392, "JPY"}, Row{398, "KZT"}, Row{400, "JOD"}, Row{404, "KES"}, Row{408, "KPW"}, Row{410, "KRW"},
    Row{414, "KWD"}, Row{417, "KGS"}, Row{418, "LAK"}, Row{422, "LBP"}, Row{426, "LSL"}, Row{430, "LRD"},
    Row{434, "LYD"}, Row{446, "MOP"}, Row{454, "MWK"}, Row{458, "MYR"}, Row{462, "MVR"}, Row{480, "MUR"},
    Row{484, "MXN"}, Row{496, "MNT"}, Row{498, "MDL"}, Row{504, "MAD"}, Row{512, "OMR"}, Row{516, "NAD"},
    Row{524, "NPR"}, Row{532, "ANG"}, Row{533, "AWG"}, Row{548, "VUV"}, Row{554, "NZD"}, Row{558, "NIO"},
    Row{566, "NGN"}, Row{578, "NOK"}, Row{586, "PKR"}, Row{590, "PAB"}, Row{598, "PGK"}, Row{600, "PYG"},
    Row{604, "PEN"}, Row{608, "PHP"}, Row{634, "QAR"}, Row{643, "RUB"}, Row{646, "RWF"}, Row{654, "SHP"},
    Row{682, "SAR"}, Row{690, "SCR"}, Row{702, "SGD"}, Row{704, "VND"}, Row{706, "SOS"}, Row{710, "ZAR"},
    Row{728, "SSP"}, Row{748, "SZL"}, Row{752, "SEK"}, Row{756, "CHF"}, Row{760, "SYP"}, Row{764, "THB"},
    Row{776, "TOP"}, Row{780, "TTD"}, Row{784, "AED"}, Row{788, "TND"}, Row{800, "UGX"}, Row{807, "MKD"},
    Row{818, "EGP"}, Row{826, "GBP"}, Row{834, "TZS"}, Row{840, "USD"}, Row{858, "UYU"}, Row{860, "UZS"},
    Row{882, "WST"}, Row{886, "YER"}, Row{901, "TWD"}, Row{925, "SLE"}, Row{928, "VES"}, Row{929, "MRU"},
    Row{930, "STN"}, Row{933, "BYN"}, Row{934, "TMT"}, Row{936, "GHS"}, Row{938, "SDG"}, Row{940, "UYI"},
    Row{941, "RSD"}, Row{943, "MZN"}, Row{944, "AZN"}, Row{946, "RON"}, Row{949, "TRY"}, Row{950, "XAF"},
    Row{951, "XCD"}, Row{952, "XOF"}, Row{953, "XPF"}, Row{967, "ZMW"}, Row{968, "SRD"}, Row{969, "MGA"},
    Row{971, "AFN"}, Row{972, "TJS"}, Row{973, "AOA"}, Row{975, "BGN"}, Row{976, "CDF"}, Row{977, "BAM"},
    Row{978, "EUR"}, Row{980, "UAH"}, Row{981, "GEL"}, Row{985, "PLN"}, Row{986, "BRL"},
};
// clang-format on
static_assert(std::is_sorted(rows.begin(), rows.end(),
                             [](const Row& a, const Row& b) { return a.numeric < b.numeric; }));

}  // namespace

std::string currency_letters(Currency currency) {
    const auto* row = std::lower_bound(rows.begin(), rows.end(), currency.numeric(),
                                       [](const Row& a, std::uint16_t b) { return a.numeric < b; });
    return row != rows.end() && row->numeric == currency.numeric() ? std::string(row->letters)
                                                                   : currency.str();
}

}  // namespace iso8583
