# SPDX-License-Identifier: Apache-2.0
package WHK::Admins;

# Admins of one enterprise, as many as a test has writes to make: a one-time password works once, and each
# admin has three of them at any time (the steps before, now and after).
#   my $a = WHK::Admins->new($server, 'enterprise', $count);     makes the enterprise too, where it is none
#   my %h = $a->read;       headers of a reader
#   my %h = $a->write;      headers with a code that was not used yet
#   my $r = $a->register($client, { jwks => ... });  POST; further arguments: more headers
#   my $r = $a->revoke($client, $key_id_percent_encoded);
#   $a->codes_work_again;   for load: from here on a code of one of these admins is good any number of times, while
#                           it is current; a trigger in the test's database forgets that it was used
#   $a->codes_work_once;    from here on again, for what looks at the database's schema
#   $a->{list}[0]           { user, token, secret }; $a->enroll_more($n) adds some
# Each whkctl call is a process of about 20 ms, so make what the test needs and not more; where that is too few,
# ->write makes some on the way.

use strict;
use warnings;
use JSON::PP;
use WHK::OTP;

my $json = JSON::PP->new->utf8->canonical;

sub new {
    my ($class, $server, $enterprise, $count, %o) = @_;
    my $self = bless { server => $server, enterprise => $enterprise, list => [], next => 0, otp => $o{otp} // [] }, $class;
    $server->ctl('enterprise', 'add', $enterprise);
    $self->enroll_more($count // 1);
    return $self;
}

sub enroll_more {
    my ($self, $count) = @_;
    my ($server, $enterprise) = @{$self}{qw(server enterprise)};
    for (1 .. $count) {
        my $user = sprintf 'admin%d@%s', scalar(@{ $self->{list} }) + 1, $enterprise;
        $server->ctl_ok('admin', 'add', $enterprise, $user);
        push @{ $self->{list} }, {
            user => $user, token => $server->ctl_json('token', 'issue', $user)->{token},
            secret => $server->ctl_json('otp', 'enroll', $user, @{ $self->{otp} })->{secret}, used => 0
        };
    }
    return $self;
}

sub codes_work_again {
    my $self = shift;
    (my $name = "again_$self->{enterprise}") =~ s/\W/_/g;
    my $whose = "NEW.last_step >= 0 AND NEW.user_id LIKE '%\@$self->{enterprise}'";
    my $driver = $self->{server}->driver;
    $self->{server}->make_trigger($name, 'whk_otp',
        $driver eq 'sqlite3' ? "CREATE TRIGGER $name AFTER UPDATE OF last_step ON whk_otp WHEN $whose BEGIN UPDATE whk_otp SET last_step = -1 WHERE user_id = NEW.user_id; END"
      # MariaDB counts a row that is as it was before as none.
      : $driver eq 'mysql' ? "CREATE TRIGGER $name BEFORE UPDATE ON whk_otp FOR EACH ROW SET NEW.last_step = IF($whose, IF(OLD.last_step = -1, -2, -1), NEW.last_step)"
      : "CREATE OR REPLACE FUNCTION forget_step() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.last_step := -1; RETURN NEW; END';"
          . "CREATE TRIGGER $name BEFORE UPDATE ON whk_otp FOR EACH ROW WHEN ($whose) EXECUTE FUNCTION forget_step()");
    $self->{again} = 1;
    return $self;
}

# No more, so that nothing of it is in the database.
sub codes_work_once {
    my $self = shift;
    (my $name = "again_$self->{enterprise}") =~ s/\W/_/g;
    $self->{server}->drop_trigger($name);
    $self->{again} = 0;
    return;
}

sub read { my $self = shift; return (Authorization => "Bearer $self->{list}[0]{token}") }

# The oldest code that is still good of the next admin who has one.
sub write {
    my $self = shift;
    if ($self->{again}) {
        my $admin = $self->{list}[ $self->{next}++ % @{ $self->{list} } ];
        return (Authorization => "Bearer $admin->{token}", OTP => WHK::OTP::code($admin->{secret}));
    }
    for (1 .. @{ $self->{list} }) {
        my $admin = $self->{list}[ $self->{next}++ % @{ $self->{list} } ];
        my $now   = WHK::OTP::step_now();
        # A step that is about to end may be stale on arrival.
        my $first = time % 30 > 25 ? $now : $now - 1;
        my $step  = $admin->{used} >= $first ? $admin->{used} + 1 : $first;
        next if $step > $now + 1;
        $admin->{used} = $step;
        return (Authorization => "Bearer $admin->{token}", OTP => WHK::OTP::code($admin->{secret}, step => $step));
    }
    # Near the end of a step an admin has two codes, not three, so counting ahead is not to be relied on.
    $self->enroll_more(2);
    return $self->write;
}

sub register {
    my ($self, $client, $body, %headers) = @_;
    return $client->request(
        POST => $self->{server}->keys($self->{enterprise}),
        { $self->write, 'Content-Type' => 'application/json', %headers },
        ref $body ? $json->encode($body) : $body
    );
}

sub revoke {
    my ($self, $client, $key_id) = @_;
    return $client->request(DELETE => $self->{server}->keys($self->{enterprise}) . "/$key_id", { $self->write });
}

sub get {
    my ($self, $client, $tail) = @_;
    return $client->request(GET => $self->{server}->keys($self->{enterprise}) . ($tail // ''), { $self->read });
}

1;
