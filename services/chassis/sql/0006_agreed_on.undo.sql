drop table agreed_on;
