#include "switch/sessions/outgoing_frames.hpp"

#include <array>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::Field;

namespace {

constexpr int primary_bitmap_last = 64;

int highest_field(const iso8583::FieldSet& present) {
    int highest = 0;
    present.for_each([&](int n) { highest = n; });
    return highest;
}

}  // namespace

OutgoingFrames::~OutgoingFrames() {
    for (Item& item : queue_) iso8583::zeroise(item.encoded.body.data(), item.encoded.body.size());
    iso8583::zeroise(ready_.data(), ready_.size());
}

std::optional<std::string> OutgoingFrames::add(iso8583::FieldValues fields, iso8583::Frame envelope,
                                               const std::optional<MacKey>& key, hsm::Ticket ticket,
                                               std::vector<HsmAsk>& asks) {
    fields.erase(Field::mac_primary);
    fields.erase(Field::mac_secondary);
    if (key) {
        static constexpr std::array<char, 8> room{};
        const bool secondary = highest_field(fields.present()) > primary_bitmap_last;
        fields.set(secondary ? Field::mac_secondary : Field::mac_primary, {room.data(), room.size()});
    }
    Item item;
    if (const auto error = iso8583::encode_into(dialect_, fields, item.encoded)) return error->str();
    if (item.encoded.body.size() > framing_.body_bytes_max)
        return "a body of " + std::to_string(item.encoded.body.size()) + " bytes, the frame holds at most " +
               std::to_string(framing_.body_bytes_max);
    item.envelope = std::move(envelope);
    if (key) {
        ENSURE(item.encoded.mac_offset && ticket != 0);
        const iso8583::ByteView input = item.encoded.mac_input();
        item.ticket = ticket;
        asks.push_back(
            {ticket, hsm::GenerateMac{key->kind, key->key, key->profile, {input.begin(), input.end()}}});
    }
    if (item.ticket == 0 && queue_.empty()) {
        write_out(item);
    } else {
        queue_.push_back(std::move(item));
    }
    return std::nullopt;
}

OutgoingFrames::Answer OutgoingFrames::mac_answered(hsm::Ticket ticket, const hsm::Reply& reply) {
    if (ticket == 0) return Answer::not_mine;
    for (Item& item : queue_) {
        if (item.ticket != ticket) continue;
        const auto* generated = reply ? std::get_if<hsm::MacGenerated>(&*reply) : nullptr;
        if (generated == nullptr) return Answer::hsm_failed;
        iso8583::write_mac(dialect_, item.encoded, generated->mac);
        item.ticket = 0;
        release();
        return Answer::taken;
    }
    return Answer::not_mine;
}

void OutgoingFrames::release() {
    while (!queue_.empty() && queue_.front().ticket == 0) {
        write_out(queue_.front());
        queue_.pop_front();
    }
}

void OutgoingFrames::write_out(Item& item) {
    item.envelope.body = std::move(item.encoded.body);
    iso8583::write_frame(framing_, item.envelope, ready_);
    iso8583::zeroise(item.envelope.body.data(), item.envelope.body.size());
    item.envelope.body.clear();
}

}  // namespace acquirer
