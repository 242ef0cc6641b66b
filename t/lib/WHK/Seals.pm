# SPDX-License-Identifier: Apache-2.0
package WHK::Seals;

# Seals of rows and hashes of events, by the formulas in src/registry/seal.h, src/otp/secret_key_bytes.c and src/registry/audit_trail.h
# and nothing else: for what only somebody who has the secret key file can do.
#   my $seals = WHK::Seals->new($server);             with the first key of its secret key file
#   $seals->key_row($enterprise, $key_id);            gives the row as it is the seal that fits
#   $seals->seal(key => {column => value, ...});      of a hash of columns; also admin and event
#   WHK::Seals::event_hash($previous_hash, \%event)   of columns
#   my ($sql, $code) = WHK::Seals::disarm_and_rearm($server);   statements without the schema's triggers, and they again
#   WHK::Seals::rows($server, $sql)                   hashes of columns; also of an SQLite file

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 sha256 sha256_hex);
use Encode qw(encode_utf8);
use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64url);
use WHK::Server;

my %columns = (
    key => [qw(id enterprise_id key_id key_name algorithm jwks_uri jwk thumbprint status created_at created_by revoked_at revoked_by remote_flaw)],
    admin => [qw(enterprise_id user_id created_at)],
    event => [qw(enterprise_id id type key_id actor at remote_address request_id detail hash)],
);
# Of a key: members that are sealed, behind those and with their names, where the row has them.
my @named = ([ revokes => 'revokes_at' ], [ followedBy => 'followed_by' ], [ gone => 'gone_at' ]);

sub new {
    my ($class, $server) = @_;
    my $file = $server->dir . ($server->{shared} ? '/logs' : '') . '/secret.key';
    open my $in, '<', $file or die "$file: $!";
    chomp(my $text = <$in>);
    my $key = decode_base64url($text);
    my $prk = hmac_sha256($key, "\0" x 32);
    return bless {
        server => $server, mac_key => hmac_sha256("webhook-keys seals v1\x01", $prk),
        fingerprint => encode_base64url(substr sha256("webhook-keys secret key fingerprint\0$key"), 0, 8)
    }, $class;
}

sub netstring { my $text = shift; return defined $text ? length($text) . ":$text," : '-,' }

sub bytes { my $value = shift; return defined $value ? encode_utf8($value) : undef }

sub seal {
    my ($self, $kind, $row) = @_;
    my %row = (%$row, $kind eq 'key' ? (revoked_at => $row->{revoked_at} // 0) : ());
    my @more = $kind eq 'key' ? map { ($_->[0], bytes($row{ $_->[1] })) } grep { defined $row{ $_->[1] } } @named : ();
    my $text = join '', map { netstring($_) } $kind, (map { bytes($row{$_}) } @{ $columns{$kind} }), @more;
    return "v1.$self->{fingerprint}." . encode_base64url(hmac_sha256($text, $self->{mac_key}));
}

sub rows {
    my ($of, $sql) = @_;
    return ref $of ? $of->rows($sql) : WHK::Server::rows({ db => $of }, $sql);
}

# What comes before statements that do what the schema does not let anybody do, and what puts its triggers there again.
sub disarm_and_rearm {
    my $server = shift;
    if ($server->is_sqlite) {
        my @triggers = rows($server, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'again_%'");
        return (
            join('', 'PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; ', map { "DROP TRIGGER $_->{name}; " } @triggers),
            sub { $server->sql($_->{sql}) for @triggers; return }
        );
    }
    if ($server->driver eq 'pgsql') {
        my @tables = qw(whk_key whk_event whk_used_material);
        return (join('', map { "ALTER TABLE $_ DISABLE TRIGGER USER; " } @tables), sub { $server->sql("ALTER TABLE $_ ENABLE TRIGGER USER") for @tables; return });
    }
    my $schema = "$WHK::Server::root/conf/schema/mysql/0004_registry.sql";
    open my $in, '<', $schema or die "$schema: $!";
    my @triggers = grep { /^CREATE OR REPLACE TRIGGER/m } do { local $/ = ''; <$in> };
    my $file = $server->dir . '/triggers.sql';
    open my $out, '>', $file or die "$file: $!";
    print $out "DELIMITER //\n", map { s/;\s*\z//r . "\n//\n" } @triggers;
    close $out or die "$file: $!";
    return (
        join('', 'SET foreign_key_checks = 0; SET check_constraint_checks = 0; ', map { /TRIGGER (\w+)/ ? "DROP TRIGGER $1; " : () } @triggers),
        sub { $server->read_file($file); return }
    );
}

sub key_row {
    my ($self, $enterprise, $key_id) = @_;
    my ($row) = rows($self->{server}, "SELECT * FROM whk_key WHERE enterprise_id = '$enterprise' AND key_id = '$key_id'");
    $self->{server}->sql(sprintf "UPDATE whk_key SET seal = '%s' WHERE enterprise_id = '%s' AND key_id = '%s'", $self->seal(key => $row), $enterprise, $key_id);
    return;
}

sub event_hash {
    my ($previous, $event) = @_;
    my @fields = @{$event}{qw(enterprise_id id type key_id actor at remote_address request_id detail)};
    return sha256_hex(join '', map { netstring(bytes($_)) } $previous, @fields);
}

1;
