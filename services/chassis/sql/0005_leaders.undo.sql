drop table leaders;
