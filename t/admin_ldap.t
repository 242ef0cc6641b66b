# SPDX-License-Identifier: Apache-2.0
# conf/examples/admins-by-ldap.conf: callers whom a directory knows, Debian's slapd on loopback.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Child;
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;

my $slapd = '/usr/sbin/slapd';
plan skip_all => "$slapd is not here" if !-x $slapd;

my $at  = WHK::Origin::directory();
my $dir = tempdir('whk-ldap-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $port = WHK::Server::free_port();

sub put {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$name: $!";
    print $out $text;
    close $out or die "$name: $!";
    return "$dir/$name";
}

sub entry {
    my ($dn, @lines) = @_;
    return join "\n", "dn: $dn,dc=example,dc=com", @lines, '', '';
}

sub person {
    my ($uid, @more) = @_;
    return entry("uid=$uid,ou=people", 'objectClass: inetOrgPerson', "uid: $uid", "cn: $uid", "sn: $uid", "userPassword: password of $uid", @more);
}

# An unauthenticated bind, a name with an empty password, is success here: many directories allow it.
my $conf = put('slapd.conf', <<"CONF");
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $dir/slapd.pid
allow bind_anon_cred bind_anon_dn
TLSCACertificateFile $at/ca.pem
TLSCertificateFile $at/good.pem
TLSCertificateKeyFile $at/good.key
database mdb
suffix dc=example,dc=com
rootdn cn=root,dc=example,dc=com
rootpw root
directory $dir/db
maxsize 10485760
dbnosync
access to attrs=userPassword by * auth
access to * by dn.exact=cn=httpd,dc=example,dc=com read by * none
CONF
mkdir "$dir/db" or die "$dir/db: $!";
my $data = put('data.ldif', join '',
    "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n\n",
    entry('ou=people',   'objectClass: organizationalUnit', 'ou: people'),
    entry('ou=machines', 'objectClass: organizationalUnit', 'ou: machines'),
    entry('cn=httpd', 'objectClass: organizationalRole', 'objectClass: simpleSecurityObject', 'cn: httpd', 'userPassword: of httpd'),
    # An account of the people's branch that is no person.
    entry('uid=admin3@acme,ou=people', 'objectClass: account', 'objectClass: simpleSecurityObject', 'uid: admin3@acme', 'userPassword: password of admin3@acme'),
    person('admin1@acme'), person('admin2@acme', 'uid: second@acme'), person('nobody'), person('late'));
my ($status, undef, $said) = WHK::Server::run_command('/usr/sbin/slapadd', '-q', '-f', $conf, '-l', $data);
is($status, 0, 'slapadd') or BAIL_OUT($said);

sub start_slapd {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/slapd.log";
        open STDERR, '>&', \*STDOUT;
        exec 'setpriv', '--pdeathsig', 'TERM', $slapd, '-d', 0, '-f', $conf, '-h', "ldaps://127.0.0.1:$port/";
    }
    my $self = bless { pid => $pid, parent => $$ }, 'WHK::Child';
    for (1 .. 200) {
        return $self if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        last if waitpid($pid, WNOHANG) == $pid;
        sleep 0.02;
    }
    die "slapd does not start: " . qx{cat $dir/slapd.log};
}
my $directory = start_slapd();

my $password = put('password', "of httpd\n");
my $server   = WHK::Server->new(start => 0, init => 0);
# %o: ca; without, the line of the example that begins so; more directives behind it.
sub configure {
    my %o = @_;
    my $example = "$WHK::Server::root/conf/examples/admins-by-ldap.conf";
    if ($o{without}) {
        open my $in, '<', $example or die "$example: $!";
        my $text = do { local $/; <$in> };
        $text =~ s/^ *\Q$o{without}\E .*\n//m or die "no $o{without}";
        $example = put('example.conf', $text);
    }
    # Not localhost, for which libldap expects the name of the machine in the certificate.
    return $server->write_conf(
        conf    => "Define WHK_LDAP 127.0.0.1:$port\nDefine WHK_LDAP_CA $at/" . ($o{ca} // 'ca.pem') . "\nDefine WHK_LDAP_PASSWORD $password\n"
          . "Include $example\n" . ($o{more} // ''),
        modules => [qw(auth_basic ldap authnz_ldap)]
    );
}
configure();
$server->ctl_ok('init');
my $admins = WHK::Admins->new($server, 'acme', 1);
$server->ctl_ok(qw(admin add acme), $_) for qw(admin2@acme admin3@acme);
$server->start;
my $client = WHK::Client->new($server->port);
sub basic { my ($who, $secret) = @_; return (Authorization => 'Basic ' . encode_base64("$who:" . ($secret // "password of $who"), '')) }
sub get { my ($headers, $enterprise) = @_; return $client->request(GET => $server->keys($enterprise // 'acme'), $headers) }
sub restarted { configure(@_); $client->close; $server->restart; return }

my (undef, $checked) = $server->ctl(qw(check --json));
is(join(' ', grep { /^require\./ } map { $_->{id} } grep { $_->{result} ne 'ok' } @{ decode_json($checked)->{findings} }), '', 'whkctl check misses nothing of it');

my $user = 'admin1@acme';
is(get({ basic($user) })->status, 200, 'an admin lists') for 1 .. 2;
my $jwks = WHK::Keys::jwks(WHK::Keys::jwk('ed25519'));
my $r    = $admins->register($client, { keyId => 'one', jwks => $jwks }, basic($user));
is($r->status, 201, '... and registers') or diag $r->body;
is(($server->ctl(qw(key list acme)))[1] =~ /\bone\b/ ? 1 : 0, 1, '... what is there then');
refused($client->request(POST => $server->keys('acme'), { basic($user), 'Content-Type' => 'application/json' }, encode_json({ keyId => 'two', jwks => $jwks })), 401, 'otp_required', 'never without a code');
refused(get({ basic('nobody') }), 403, 'not_enterprise_admin', 'a user who is no admin');
refused(get({ basic($user) }, 'other'), 403, 'not_enterprise_admin', 'of another enterprise');

for (
    [ 'a wrong password',                      { basic($user, 'wrong') } ],
    [ 'the password of another',               { basic($user, 'password of nobody') } ],
    [ 'an empty password',                     { basic($user, '') } ],
    [ 'none',                                  {} ],
    [ 'a bearer token',                        { $admins->read } ],
    [ 'a user who is not in the directory',    { basic('stranger') } ],
    [ 'no name',                               { basic('', "password of $user") } ],
    [ 'an account that the filter leaves out', { basic('admin3@acme') } ],
    [ 'a DN',                                  { basic("uid=$user,ou=people,dc=example,dc=com", "password of $user") } ],
    map { [ "a filter in place of a name: $_", { basic($_, "password of $user") } ] } '*', 'admin1*', '(', '\\', "$user)(uid=*", "*)(|(uid=$user", "$user)(objectClass=*)", "$user))%00", '\61dmin1@acme'
) {
    my ($name, $headers) = @$_;
    $r = get($headers);
    refused($r, 401, 'invalid_token', $name);
    like($r->header('WWW-Authenticate'), qr/^Basic /, '... is asked for a password');
}

subtest 'a name is that of the directory' => sub {
    is(get({ basic('ADMIN1@Acme', "password of $user") })->status, 200, 'LDAP knows no case');
    $r = $admins->register($client, { keyId => 'case', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) }, basic('ADMIN1@Acme', "password of $user"));
    is($r->status, 201, '... nor does who registers') or diag $r->body;
    my %actors = map { $_->{actor} => 1 } @{ $client->request(GET => $server->events('acme'), { basic($user) })->json->{events} };
    is(join(' ', sort keys %actors), $user, '... and the audit trail has one name');
    is(get({ basic('second@acme', 'password of admin2@acme') })->status, 200, 'of two it is the first that stands there');
};

subtest 'the directory is away' => sub {
    $directory->stop;
    is(get({ basic($user) })->status, 200, 'who was let in lately is remembered');
    refused(get({ basic($user, 'wrong') }), 500, 'internal_error', '... with this password alone');
    refused(get({ basic('late') }), 500, 'internal_error', '... and others are not let in');
    $directory = start_slapd();
    refused(get({ basic('late') }), 403, 'not_enterprise_admin', 'back again, it is asked');
};

subtest 'its certificate' => sub {
    restarted(ca => 'self-signed.pem');
    refused(get({ basic($user) }), 500, 'internal_error', 'of another authority');
};

subtest 'without AuthLDAPRemoteUserAttribute' => sub {
    restarted(without => 'AuthLDAPRemoteUserAttribute', more => 'LDAPCacheTTL 1');
    is(get({ basic($user) })->status, 200, 'as it stands in the directory');
    refused(get({ basic('ADMIN1@Acme', "password of $user") }), 403, 'not_enterprise_admin', 'as it does not');
    $directory->stop;
    sleep 1.2;
    refused(get({ basic($user) }), 500, 'internal_error', 'what LDAPCacheTTL says is for how long one is remembered');
};
done_testing;
