#include "tests/simulation/issuer_node.hpp"

#include "iso8583/codec.hpp"

namespace simulation {

IssuerNode::IssuerNode(routing::IssuerConfig config, hsm::HsmEngine& engine, Network& network, Agenda& agenda,
                       std::function<iso8583::Now()> now)
    : engine_(engine),
      network_(network),
      agenda_(agenda),
      now_(std::move(now)),
      dialect_(config.dialect),
      model_(std::make_unique<routing::IssuerModel>(std::move(config), engine)) {}

void IssuerNode::connected(std::uint64_t connection) {
    readers_.emplace(connection, iso8583::FrameReader(dialect_->framing()));
}

void IssuerNode::closed(std::uint64_t connection) { readers_.erase(connection); }

void IssuerNode::drop_all() {
    std::vector<std::uint64_t> all;
    for (const auto& [connection, reader] : readers_) all.push_back(connection);
    readers_.clear();
    for (const std::uint64_t connection : all) network_.close(connection, Side::peer_side);
}

void IssuerNode::restart(bool with_books) {
    drop_all();
    held_.clear();
    if (with_books) return;
    const routing::IssuerKeyState keys = model_->key_state();
    routing::IssuerConfig config = model_->config();
    ++authorizations_begin_;
    config.authorizations_used = authorizations_begin_ * 10'000;  // none is given out twice
    model_ = std::make_unique<routing::IssuerModel>(std::move(config), engine_);
    model_->restore_keys(keys);
    has_forgotten_ = true;
}

void IssuerNode::bytes_arrived(std::uint64_t connection, iso8583::ByteView bytes) {
    const auto reader = readers_.find(connection);
    if (reader == readers_.end()) return;
    reader->second.feed(bytes);
    std::vector<iso8583::Frame> frames;
    for (auto next = reader->second.next(); next; next = reader->second.next()) {
        if (!*next) {
            closed(connection);
            return network_.close(connection, Side::peer_side);
        }
        frames.push_back(std::move(**next));
    }
    for (iso8583::Frame& frame : frames) {
        ++messages;
        bool network_management = false;
        if (const auto message = iso8583::decode(*dialect_, frame.body)) {
            network_management = message->mti().message_class() == 8;
            if (on_arrived) on_arrived(*message);
            if (!network_management && deaf_to > 0) {
                --deaf_to;
                continue;
            }
            if (keep_received && !network_management)
                received.push_back({message->mti(), message->values(), now_().instant});
        }
        std::vector<routing::IssuerAction> actions;
        model_->on_frame(frame.body, now_().utc, actions);
        carry_out(connection, actions, network_management);
    }
}

void IssuerNode::carry_out(std::uint64_t connection, std::vector<routing::IssuerAction>& actions,
                           bool network_management) {
    for (routing::IssuerAction& action : actions) {
        if (auto* answer = std::get_if<routing::SendAnswer>(&action)) {
            iso8583::Frame frame;
            frame.body = std::move(answer->body);
            iso8583::Bytes bytes;
            iso8583::write_frame(dialect_->framing(), frame, bytes);
            if (on_leaving) on_leaving(bytes);
            if (hold_answers && !network_management) {
                held_.push_back({connection, std::move(bytes)});
            } else if (answer->delay_ms == 0) {
                network_.write(connection, Side::peer_side, std::move(bytes));
            } else {
                agenda_.at(now_().instant.plus_ms(answer->delay_ms),
                           [this, connection, bytes = std::move(bytes)] {
                               network_.write(connection, Side::peer_side, bytes);
                           });
            }
        } else if (auto* request = std::get_if<routing::SendRequest>(&action)) {
            send_body(std::move(request->body));
        } else if (std::holds_alternative<routing::CloseLink>(action)) {
            closed(connection);
            network_.close(connection, Side::peer_side);
        } else if (std::holds_alternative<routing::CloseAllLinks>(action)) {
            drop_all();
        }
    }
}

void IssuerNode::send(iso8583::FieldValues fields) {
    if (readers_.empty()) return;
    static constexpr char zeros[8] = {};
    fields.set(iso8583::Field::mac_primary, std::string_view(zeros, sizeof zeros));
    auto encoded = iso8583::encode(*dialect_, fields);
    ENSURE(encoded.has_value());
    const iso8583::ByteView covered = encoded->mac_input();
    const hsm::Reply mac = engine_.perform(hsm::GenerateMac{
        hsm::KeyKind::zak, model_->config().zak, model_->config().mac, {covered.begin(), covered.end()}});
    ENSURE(mac.has_value());
    iso8583::write_mac(*dialect_, *encoded, std::get<hsm::MacGenerated>(*mac).mac);
    send_body(std::move(encoded->body));
}

void IssuerNode::send_body(iso8583::Bytes body) {
    if (readers_.empty()) return;
    iso8583::Frame frame;
    frame.body = std::move(body);
    iso8583::Bytes bytes;
    iso8583::write_frame(dialect_->framing(), frame, bytes);
    if (on_leaving) on_leaving(bytes);
    network_.write(readers_.begin()->first, Side::peer_side, std::move(bytes));
}

std::string IssuerNode::control(std::string_view line) {
    std::vector<routing::IssuerAction> actions;
    std::string reply = model_->on_control(line, now_().utc, actions);
    carry_out(0, actions, true);
    return reply;
}

void IssuerNode::send_bytes(iso8583::Bytes bytes) {
    if (!readers_.empty()) network_.write(readers_.begin()->first, Side::peer_side, std::move(bytes));
}

bool IssuerNode::release_one() {
    if (held_.empty()) return false;
    Held held = std::move(held_.front());
    held_.pop_front();
    // Connections of one link group: an answer may come on another one.
    if (!readers_.contains(held.connection)) {
        if (readers_.empty()) return true;
        held.connection = readers_.begin()->first;
    }
    network_.write(held.connection, Side::peer_side, std::move(held.frame));
    return true;
}

}  // namespace simulation
