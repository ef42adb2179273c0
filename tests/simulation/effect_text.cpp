#include "tests/simulation/effect_text.hpp"

#include "iso8583/values/overloaded.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Field;

namespace {

std::string all_fields(const iso8583::FieldValues& fields) {
    std::string text = fields.mti().str();
    fields.for_each([&](Field f, std::string_view content) {
        text += '|' + std::to_string(iso8583::number(f)) + '=';
        text += content;
    });
    return text;
}

std::string text_of(const ShardWord& word) {
    return std::visit(
        iso8583::Overloaded{
            [](const VaultKeyInUse& w) { return "vault key in use " + std::to_string(w.number); },
            [](const VaultResealed& w) { return "resealed under vault key " + std::to_string(w.number); },
            [](const IssuerFileChecked& w) { return "issuer's file " + w.file.sha256; },
            [](const ReconDayBegun& w) { return "day compared " + w.day.day.date.iso(); },
            [](const DayClosed& w) { return "day closed " + w.day.date.iso(); },
            [](const PurgeBegun& w) { return "purge begun " + std::to_string(w.at.ms); },
        },
        word);
}

struct Whole {
    std::string operator()(const SendReply& e) const {
        return "reply " + std::to_string(e.to.link.value) + (e.sign_on_again ? "!" : " ") +
               e.to.mac_key.text() + all_fields(e.fields);
    }
    std::string operator()(const SendToIssuer& e) const {
        return "issuer " + std::to_string(e.route.value) + " " + std::to_string(e.link.value) +
               all_fields(e.fields);
    }
    std::string operator()(const AskHsm& e) const {
        return "hsm " + std::to_string(e.ticket) + "/" + std::to_string(e.request.index());
    }
    std::string operator()(const InstallKeys& e) const {
        std::string text = "keys " + e.terminal.str();
        for (const auto& v : e.keys.versions) text += std::to_string(v.version) + v.mac_key.text();
        return text;
    }
    std::string operator()(const InstallIssuerKeys& e) const {
        std::string text = "issuer keys " + std::to_string(e.route.value);
        for (const hsm::KeyBlock& zak : e.zaks) text += " " + zak.text();
        return text;
    }
    std::string operator()(const CloseLink& e) const {
        return "close " + std::to_string(e.link.value) + e.reason;
    }
    std::string operator()(const WriteNotices& e) const {
        std::string text = "notices";
        for (const ledger::Notice& n : e.notices)
            text += " " + std::to_string(n.number) + std::string(name(n.kind)) + n.rrn.str() + n.state;
        return text;
    }
    std::string operator()(const PartiesChanged&) const { return "parties changed"; }
    std::string operator()(const AnswerOperator& e) const {
        std::string text =
            "operator " + std::to_string(e.ticket) + (e.answer.done ? "+" : "-") + e.answer.text;
        for (const auto& [name, value] : e.answer.values) text += name + value;
        return text;
    }
    std::string operator()(const MakeBackup& e) const { return "back up " + e.directory; }
    std::string operator()(const ApplyPolicy& e) const { return "policy " + e.text; }
    std::string operator()(const MakeVaultKey& e) const {
        return "make vault key " + std::to_string(e.number);
    }
    std::string operator()(const WipeVaultKey& e) const {
        return "wipe vault key " + std::to_string(e.number);
    }
    std::string operator()(const TellShards& e) const { return "tell shards, " + text_of(e.word); }
    std::string operator()(const Note& e) const {
        return "note " + std::string(name(e.kind)) + e.rrn + e.terminal + e.merchant + e.route + e.rule +
               e.code + e.detail;
    }
};

struct Masked {
    std::string operator()(const SendReply& e) const {
        return "<- terminal " + std::string(e.fields.get(Field::terminal)) + "  " + message_text(e.fields);
    }
    std::string operator()(const SendToIssuer& e) const {
        return "-> issuer " + std::to_string(e.route.value) + "  " + message_text(e.fields);
    }
    std::string operator()(const AskHsm& e) const { return "ask HSM, ticket " + std::to_string(e.ticket); }
    std::string operator()(const InstallKeys& e) const { return "install keys of " + e.terminal.str(); }
    std::string operator()(const InstallIssuerKeys& e) const {
        return "install " + std::to_string(e.zaks.size()) + " keys of issuer " +
               std::to_string(e.route.value);
    }
    std::string operator()(const CloseLink& e) const {
        return "close link " + std::to_string(e.link.value) + ": " + e.reason;
    }
    std::string operator()(const WriteNotices& e) const {
        return "write " + std::to_string(e.notices.size()) + " notices from " +
               std::to_string(e.notices.front().number);
    }
    std::string operator()(const PartiesChanged&) const { return "parties changed"; }
    std::string operator()(const AnswerOperator& e) const {
        return (e.answer.done ? "operator: " : "operator, refused: ") + e.answer.text;
    }
    std::string operator()(const MakeBackup& e) const { return "back up into " + e.directory; }
    std::string operator()(const MakeVaultKey& e) const {
        return "make vault key " + std::to_string(e.number);
    }
    std::string operator()(const WipeVaultKey& e) const {
        return "wipe vault key " + std::to_string(e.number);
    }
    std::string operator()(const TellShards& e) const { return "tell shards, " + text_of(e.word); }
    std::string operator()(const ApplyPolicy& e) const {
        return "apply a policy of " + std::to_string(e.text.size()) + " bytes";
    }
    std::string operator()(const Note& e) const {
        return "note " + std::string(name(e.kind)) + (e.rrn.empty() ? "" : " " + e.rrn) +
               (e.rule.empty() ? "" : " " + e.rule) + ": " + e.detail;
    }
};

}  // namespace

std::string message_text(const iso8583::FieldValues& fields) {
    std::string text = fields.mti().str();
    struct Shown {
        Field field;
        const char* label;
    };
    for (const Shown& s :
         {Shown{Field::processing_code, "DE3"}, Shown{Field::amount_transaction, "DE4"},
          Shown{Field::transmission_time, "DE7"}, Shown{Field::stan, "DE11"}, Shown{Field::rrn, "DE37"},
          Shown{Field::response_code, "DE39"}, Shown{Field::reserved_private_60, "DE60"}})
        if (fields.has(s.field)) text += std::string(" ") + s.label + "=" + std::string(fields.get(s.field));
    return text;
}

std::string whole_text(const Effect& effect) { return std::visit(Whole{}, effect); }
std::string masked_text(const Effect& effect) { return std::visit(Masked{}, effect); }

}  // namespace simulation
