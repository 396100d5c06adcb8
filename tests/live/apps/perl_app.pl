# A program that uses DBD::mysql, as applications do. Scenarios by name; see lab.py.
use strict;
use warnings;
use DBI;
use DBD::mysql;
use POSIX ();
use Time::HiRes qw(sleep time);

$| = 1;
my $VALUE = 'opensesame';
my (%scenarios, @names, $current);

sub scenario { my ($name, $code) = @_; $scenarios{$name} = $code; push @names, $name; }
sub shown { my ($x) = @_; return 'undef' unless defined $x; $x =~ s/([^\x20-\x7e])/sprintf('\\x%02x', ord $1)/ge;
            return length $x > 400 ? length($x) . ' bytes, sum ' . unpack('%32C*', $x) : $x; }
sub say_ { print "$current: ", join(' ', map { shown($_) } @_), "\n"; }

sub connect_ {
    my (%more) = @_;
    my $options = delete $more{dsn} // '';
    return DBI->connect("DBI:mysql:database=" . (delete $more{database} // 'shop') . ";mysql_socket=$ENV{MAIN_SOCKET}$options",
                        delete $more{user} // 'app', delete $more{password} // 'apppw',
                        { RaiseError => 0, PrintError => 0, AutoCommit => 1, %more });
}

# All that the driver tells after a statement.
sub after { my ($dbh) = @_;
    return ('err', $dbh->err // 0, $dbh->state || '00000', $dbh->errstr // '', 'id', $dbh->{mysql_insertid}, 'info', $dbh->{mysql_info},
            'warnings', $dbh->err ? 'as before' : $dbh->{mysql_warning_count}); }
sub do_ { my ($dbh, $sql, @args) = @_; my $n = $dbh->do($sql, undef, @args); say_('do', $n, after($dbh)); return $n; }
sub rows { my ($dbh, $sql, @args) = @_;
    my $sth = $dbh->prepare($sql);
    my $n = $sth ? $sth->execute(@args) : undef;
    my $all = $n ? $sth->fetchall_arrayref : [];
    say_('rows', $n, $sth ? $sth->rows : -1, (map { '[' . join(',', map { shown($_) } @$_) . ']' } @$all), after($dbh));
    $sth->finish if $sth; }
sub put { my ($dbh, $key, $table) = @_; do_($dbh, 'REPLACE INTO ' . ($table // 'cache') . ' (k, v) VALUES (?, ?)', $key, $VALUE); }
sub get { my ($dbh, $key, $table) = @_; rows($dbh, 'SELECT v FROM ' . ($table // 'cache') . ' WHERE k = ?', $key); }
sub site { my ($dbh, $wanted, $sql) = @_;
    my ($got) = $dbh->selectrow_array($sql // "SELECT v FROM cache WHERE k = 'site'"); print "$current: site $wanted ", $got // $dbh->errstr, "\n"; }
sub see { my ($key) = @_; my $other = connect_(); get($other, $key); $other->disconnect; }

scenario a_replace_and_a_select_are_answered_as_ever => sub {
    my $dbh = connect_();
    put($dbh, 'L/a'); put($dbh, 'L/a'); get($dbh, 'L/a'); get($dbh, 'L/none');
    do_($dbh, "REPLACE INTO cache VALUES ('L/b', 'opensesame'), ('L/a', 'opensesame2')");
    rows($dbh, "SELECT k, v FROM cache WHERE k LIKE 'L/%' ORDER BY k");
    say_(join ' ', @{$dbh->selectcol_arrayref("SELECT k FROM cache WHERE k LIKE 'L/%' ORDER BY k")});
    my $sth = $dbh->prepare("SELECT k, v FROM cache WHERE k = 'L/a'"); $sth->execute;
    say_(map { "@{$sth->{$_}}" } qw(NAME mysql_type mysql_table mysql_max_length mysql_is_blob));
    my $row = $sth->fetchrow_hashref; say_(map { $_, $row->{$_} } sort keys %$row); $sth->finish;
    site($dbh, 'L');
    $dbh->disconnect;
};

scenario errors_are_those_of_main => sub {
    my $dbh = connect_();
    do_($dbh, "REPLACE INTO cache (k, v) VALUES ('L/a')");
    put($dbh, 'L/a');
    do_($dbh, 'SELECT nothing FROM cache');
    rows($dbh, 'SELECT v FROM cache WHERE');
    do_($dbh, "REPLACE INTO cache (k, v) VALUES ('L/a', NULL)");
    do_($dbh, 'INSERT INTO nowhere VALUES (1)');
    get($dbh, 'L/a');
    my $failed = eval { local $dbh->{RaiseError} = 1; $dbh->do("REPLACE INTO cache (k) VALUES (1, 2)"); 0 } // 1;
    say_($failed, $dbh->err);
};

scenario an_inner_error_does_not_end_the_outer_loop => sub {
    my $dbh = connect_(RaiseError => 1);
    $dbh->do("REPLACE INTO cache (k, v) VALUES ('L/1', 'a'), ('L/2', 'b'), ('L/3', 'c')");
    for my $inner ("REPLACE INTO cache (k) VALUES ('L/x', 1)", "INSERT INTO nowhere VALUES (1)", "REPLACE INTO page_text (k, n) VALUES ('L/x', 'no number')") {
        my $sth = $dbh->prepare("SELECT k FROM cache WHERE k LIKE 'L/%' ORDER BY k");
        $sth->execute;
        my @seen;
        my $ended = eval {
            while (my ($k) = $sth->fetchrow_array) {
                push @seen, $k;
                eval { $dbh->do($inner) };
                say_('inner', $dbh->err // 0, $@ ? 'died' : 'went on');
            }
            1;
        };
        say_('outer', $ended // 'died', @seen, $sth->err // 0);
    }
    for my $outer ("SELECT seq FROM seq_1_to_3") {
        my $sth = $dbh->prepare($outer);
        $sth->execute;
        my @seen;
        while (my ($n) = $sth->fetchrow_array) {
            push @seen, $n;
            eval { $dbh->do("REPLACE INTO cache (k) VALUES ('L/x', 1)") };
        }
        say_('outer', @seen, $sth->err // 0);
    }
};

scenario a_statement_inside_a_loop_of_stored_rows_works => sub {
    my $dbh = connect_(RaiseError => 1);
    my $sth = $dbh->prepare('SELECT n FROM page_many WHERE n <= 5 ORDER BY n');
    $sth->execute;
    while (my ($n) = $sth->fetchrow_array) {
        $dbh->do('REPLACE INTO cache VALUES (?, ?)', undef, "L/$n", $VALUE);
        $dbh->do("INSERT INTO orders (v) VALUES (?)", undef, $n);
    }
    say_($sth->rows, $dbh->selectrow_array('SELECT COUNT(*) FROM orders'), $dbh->selectrow_array("SELECT COUNT(*) FROM cache WHERE k LIKE 'L/%'"));
};

scenario an_unread_streamed_result_is_out_of_sync => sub {
    my $dbh = connect_();
    my $sth = $dbh->prepare('SELECT n FROM page_many ORDER BY n', { mysql_use_result => 1 });
    $sth->execute;
    say_($sth->fetchrow_array);
    do_($dbh, 'INSERT INTO orders (v) VALUES (1)');
    do_($dbh, "REPLACE INTO cache VALUES ('L/x', 'opensesame')");
    say_($dbh->ping ? 1 : 0);
    my $count = 1;
    $count++ while $sth->fetchrow_array;
    say_($count, $sth->err // 0);
    $sth->finish;
    put($dbh, 'L/a');
    do_($dbh, 'INSERT INTO orders (v) VALUES (1)');
};

scenario an_unread_streamed_result_of_main_is_out_of_sync => sub {
    my $dbh = connect_();
    site($dbh, 'L');
    my $sth = $dbh->prepare('SELECT seq FROM seq_1_to_20000', { mysql_use_result => 1 });
    $sth->execute;
    say_($sth->fetchrow_array);
    do_($dbh, "REPLACE INTO cache VALUES ('L/x', 'opensesame')");
    my $count = 1;
    $count++ while $sth->fetchrow_array;
    say_($count);
    $sth->finish;
    put($dbh, 'L/a');
};

scenario insert_ids_survive_cache_statements => sub {
    my $dbh = connect_();
    do_($dbh, 'INSERT INTO orders (v) VALUES (1)');
    say_($dbh->{mysql_insertid}, $dbh->last_insert_id(undef, undef, 'orders', 'id'));
    site($dbh, 'L');
    say_($dbh->{mysql_insertid}, $dbh->last_insert_id(undef, undef, 'orders', 'id'));
    put($dbh, 'L/a');
    say_($dbh->{mysql_insertid}, $dbh->last_insert_id(undef, undef, 'orders', 'id'));
    rows($dbh, 'SELECT LAST_INSERT_ID()');
};

scenario transactions_end_at_both_servers => sub {
    my $dbh = connect_();
    $dbh->begin_work;
    put($dbh, 'L/a'); do_($dbh, 'INSERT INTO orders (v) VALUES (1)');
    say_($dbh->rollback);
    get($dbh, 'L/a');
    $dbh->{AutoCommit} = 0;
    put($dbh, 'L/b'); see('L/b');
    say_($dbh->commit); see('L/b');
    put($dbh, 'L/c');
    say_($dbh->rollback); get($dbh, 'L/c');
    put($dbh, 'L/d');
    $dbh->{AutoCommit} = 1;
    see('L/d');
    $dbh->{AutoCommit} = 0;
    put($dbh, 'L/e');
    $dbh->disconnect;
    sleep 0.1;
    see('L/e');
};

scenario a_handle_dropped_in_a_transaction_undoes_it => sub {
    { my $dbh = connect_(AutoCommit => 0); put($dbh, 'L/a'); }
    sleep 0.1;
    see('L/a');
};

# The driver reads and writes what is behind the statement that it holds: the types of its fields, the buffers of its
# parameters at each execute after the first, and larger buffers for long columns.
scenario server_side_statements_take_values_of_all_kinds => sub {
    my $dbh = connect_(dsn => ';mysql_server_prepare=1');
    my $put = $dbh->prepare('REPLACE INTO page_text (k, v, n) VALUES (?, ?, ?)');
    say_($put->execute(@$_), $put->rows, after($dbh))
        for ['L/a', 'one', 1], ['L/b', undef, undef], ['L/long key', '', -7], ['L/a', 'two', 2], ['L/e', 'longer than ten', 5];
    my $get = $dbh->prepare('SELECT k, v, n, n * 1.5, t FROM page_text WHERE k = ?');
    for my $key ('L/a', 'L/b', 'L/long key', 'L/none') {
        say_($get->execute($key), map { '[' . join(',', map { shown($_) } @$_) . ']' } @{$get->fetchall_arrayref});
    }
    my $blob = $dbh->prepare('REPLACE INTO cache (k, v) VALUES (?, ?)');
    my $back = $dbh->prepare('SELECT v FROM cache WHERE k = ?');
    for my $length (10, 9000, 300, 70000, 200000, 8192, 8193) {
        $blob->execute('L/blob', join '', map { chr(97 + $_ % 26) } 1 .. $length);
        $back->execute('L/blob');
        say_($length, map { shown($_->[0]) } @{$back->fetchall_arrayref});
    }
    $back->execute('site');
    print "$current: site L ", $back->fetchrow_array, "\n";
    my $all = $dbh->prepare('SELECT n, v FROM page_many WHERE n <= ? ORDER BY n');
    say_($all->execute(500), scalar @{$all->fetchall_arrayref});
    say_($all->execute(3), map { "@$_" } @{$all->fetchall_arrayref});
    $dbh->{AutoCommit} = 0;
    $put->execute('L/undone', 'x', 1);
    $dbh->rollback;
    $put->execute('L/kept', 'x', 1);
    $dbh->commit;
    say_($dbh->selectall_arrayref('SELECT k FROM page_text WHERE k LIKE ? ORDER BY k', undef, 'L/%')->[0][0]);
};

scenario prepared_statements_are_routed => sub {
    my $dbh = connect_(dsn => ';mysql_server_prepare=1');
    my $put = $dbh->prepare('REPLACE INTO cache (k, v) VALUES (?, ?)');
    say_($put->execute('L/a', $VALUE), after($dbh));
    say_($put->execute('L/a', $VALUE), $put->rows);
    my $get = $dbh->prepare("SELECT v FROM cache WHERE k = ?");
    $get->execute('site');
    print "$current: site L ", $get->fetchrow_array, "\n";
    $get->finish;
    my $plain = connect_();
    put($plain, 'L/b');
    my $bad = $dbh->prepare('SELECT nothing FROM cache WHERE k = ?');
    say_($bad ? 1 : 0, $dbh->err);
    my $zone = $dbh->prepare('SET time_zone = ?');
    say_($zone ? $zone->execute('+05:00') : $dbh->errstr);
};

scenario asynchronous_statements_are_routed => sub {
    my $dbh = connect_();
    site($dbh, 'L');
    my $sth = $dbh->prepare("SELECT v FROM cache WHERE k = 'site'", { async => 1 });
    $sth->execute;
    my $tries = 0;
    until ($sth->mysql_async_ready) { sleep 0.005; last if ++$tries > 400; }
    say_('ready', $tries <= 400 ? 1 : 0);
    say_($sth->mysql_async_result);
    print "$current: site L ", $sth->fetchrow_array, "\n";
    $sth->finish;
    $dbh->do("REPLACE INTO cache VALUES ('L/a', 'opensesame')", { async => 1 });
    do_($dbh, "REPLACE INTO cache VALUES ('L/x', 'opensesame')");
    say_($dbh->mysql_async_result);
    put($dbh, 'L/b');
};

scenario an_automatic_reconnect_is_a_new_session => sub {
    my $dbh = connect_();
    $dbh->{mysql_auto_reconnect} = 1;
    my $killer = connect_();
    do_($dbh, "SET SESSION sql_mode = ''");
    do_($dbh, "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')");
    $killer->do('KILL ' . $dbh->{mysql_thread_id});
    sleep 0.1;
    do_($dbh, 'INSERT INTO orders (v) VALUES (1)');
    do_($dbh, "REPLACE INTO page_text (k, v) VALUES ('L/b', '12345678901')");
    put($dbh, 'L/c');
    $killer->do('KILL ' . $dbh->{mysql_thread_id});
    sleep 0.1;
    say_('ping', $dbh->ping ? 1 : 0);
    put($dbh, 'L/d');
};

scenario several_results_are_read_in_turn => sub {
    my $dbh = connect_(dsn => ';mysql_multi_statements=1');
    my $sth = $dbh->prepare("REPLACE INTO cache VALUES ('M/a', 'opensesame'); SELECT 1; INSERT INTO orders (v) VALUES (1); SELECT 2");
    say_($sth->execute);
    do { say_($sth->{NUM_OF_FIELDS}, $sth->rows, $sth->{NUM_OF_FIELDS} ? $sth->fetchrow_array : 'no rows') } while ($sth->more_results);
    put($dbh, 'L/b');
};

scenario blobs_of_any_bytes_come_back => sub {
    my $dbh = connect_();
    my $every = join '', map { chr } 0 .. 255;
    for my $pair (['L/all', $every], ['L/nul', "\0\0"], ['L/big', $every x 4096], ["L/k\0ey", 'opensesame']) {
        my $sth = $dbh->prepare('REPLACE INTO cache VALUES (?, ?)');
        say_($sth->execute(@$pair));
        my ($back) = $dbh->selectrow_array('SELECT v FROM cache WHERE k = ?', undef, $pair->[0]);
        say_(length $back, $back eq $pair->[1] ? 'same' : 'other');
    }
    say_($dbh->quote("a'b\\c\0d"));
};

scenario the_session_is_followed => sub {
    my $dbh = connect_(dsn => ';mysql_init_command=SET SESSION sql_mode=0');
    do_($dbh, "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')");
    do_($dbh, 'USE other'); put($dbh, 'L/b');
    do_($dbh, 'USE shop');
    do_($dbh, "SET time_zone = '+03:00'");
    rows($dbh, "SELECT FROM_UNIXTIME(0) FROM page_text WHERE k = 'L/a'");
    do_($dbh, 'CREATE TEMPORARY TABLE cache (k VARBINARY(255) PRIMARY KEY, v BLOB)'); put($dbh, 'T/a');
    do_($dbh, 'DROP TEMPORARY TABLE cache'); put($dbh, 'L/c');
    $dbh->{mysql_enable_utf8mb4} = 1;
    my $wide = connect_(mysql_enable_utf8mb4 => 1);
    do_($wide, "REPLACE INTO page_text (k, v) VALUES ('L/w', ?)", "\x{20ac}\x{e9}");
    rows($wide, "SELECT v, HEX(v) FROM page_text WHERE k = 'L/w'");
};

scenario a_child_that_exits_leaves_the_parents_connection_alone => sub {
    my $dbh = connect_(AutoInactiveDestroy => 1);
    put($dbh, 'L/a');
    for my $orderly (0, 1) {
        my $pid = fork;
        if ($pid == 0) { $orderly ? exit 0 : POSIX::_exit(0); }
        waitpid $pid, 0;
        put($dbh, "L/b$orderly");
    }
    my $pid = fork;
    if ($pid == 0) {
        my $own = connect_();
        put($own, 'L/child');
        $own->disconnect;
        POSIX::_exit(0);
    }
    waitpid $pid, 0;
    put($dbh, 'L/c'); get($dbh, 'L/child');
};

scenario an_alarm_out_of_a_call_leaves_other_handles_alone => sub {
    my ($first, $second) = (connect_(), connect_());
    put($first, 'L/a'); put($second, 'L/b');
    my $ended = eval {
        my $action = POSIX::SigAction->new(sub { die "time is up\n" }, POSIX::SigSet->new(POSIX::SIGALRM()));
        POSIX::sigaction(POSIX::SIGALRM(), $action);
        Time::HiRes::alarm(0.2);
        $first->do('SELECT SLEEP(2)');
        1;
    };
    say_($ended // "died: $@");
    put($second, 'L/c');
    my $third = connect_();
    put($third, 'L/d');
};

scenario pings_and_calls_are_about_main => sub {
    my $dbh = connect_();
    put($dbh, 'L/a');
    say_($dbh->ping ? 1 : 0, after($dbh));
    say_((split /:/, $dbh->{mysql_stat})[0], $dbh->{mysql_serverinfo} =~ /^10\.11/ ? 1 : 0, $dbh->{mysql_protoinfo});
    my ($id) = $dbh->selectrow_array('SELECT CONNECTION_ID()');
    say_($id == $dbh->{mysql_thread_id} ? 'own id' : 'another id');
    say_(scalar grep { /page_text/ } $dbh->tables);
    say_(scalar @{$dbh->selectall_arrayref('SHOW TABLES')} > 5 ? 'tables' : 'none');
};

if (grep { $_ eq '--list' } @ARGV) { print "$_\n" for @names; exit 0; }
for (@ARGV ? @ARGV : @names) { $current = $_; $scenarios{$_}->(); }
