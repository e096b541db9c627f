import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableDescriptor;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * One Nexmark query with Flink SQL: CSV files in, blackhole out, parallelism 1, no checkpoints. It runs twice, and the second
 * run counts: by then the JVM has compiled what it runs.
 *
 * <p>Arguments: the query's file, the directory of person.csv, auction.csv and bid.csv, the state backend (hashmap or
 * rocksdb), the number of events. Prints one line of JSON.
 */
public final class Nexmark {
    private static final String STREAMS =
            "CREATE TABLE person (id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING,"
                    + " state STRING, date_time TIMESTAMP(3), extra STRING);"
                    + "CREATE TABLE auction (id BIGINT, item_name STRING, description STRING, initial_bid BIGINT,"
                    + " reserve BIGINT, date_time TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT,"
                    + " extra STRING);"
                    + "CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,"
                    + " date_time TIMESTAMP(3), extra STRING)";

    public static void main(String[] arguments) throws Exception {
        String query = Files.readString(Path.of(arguments[0]));
        Path directory = Path.of(arguments[1]).toAbsolutePath();
        run(query, directory, arguments[2]);
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long before = system.getProcessCpuTime();
        long milliseconds = run(query, directory, arguments[2]);
        long cpu = system.getProcessCpuTime() - before;
        System.out.printf(
                "%n{\"events\": %s, \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"written_bytes\": 0, \"rows\": null}%n",
                arguments[3], milliseconds / 1e3, cpu / 1e9);
        System.exit(0);
    }

    /** Runs the query over all events; gives the milliseconds from the start of its tasks to their end. */
    private static long run(String query, Path directory, String state) throws Exception {
        Configuration configuration = new Configuration();
        configuration.setString("execution.runtime-mode", "STREAMING");
        configuration.setString("state.backend.type", state);
        configuration.setString("state.backend.rocksdb.localdir", directory.resolve("rocksdb").toString());
        configuration.setString("taskmanager.memory.managed.size", "1gb");
        configuration.setString("pipeline.object-reuse", "true");
        // As Nexmark's own configuration of Flink has it.
        configuration.setString("table.exec.mini-batch.enabled", "true");
        configuration.setString("table.exec.mini-batch.allow-latency", "2s");
        configuration.setString("table.exec.mini-batch.size", "50000");
        configuration.setString("table.optimizer.distinct-agg.split.enabled", "true");

        StreamTableEnvironment tables =
                StreamTableEnvironment.create(StreamExecutionEnvironment.createLocalEnvironment(1, configuration));
        for (String stream : STREAMS.split(";")) {
            String name = stream.split(" ")[2];
            tables.executeSql(
                    stream + " WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://"
                            + directory.resolve(name + ".csv") + "')");
        }
        Table result = tables.sqlQuery(query);
        TableDescriptor blackhole =
                TableDescriptor.forConnector("blackhole")
                        .schema(Schema.newBuilder().fromResolvedSchema(result.getResolvedSchema()).build())
                        .build();
        TableResult running = result.insertInto(blackhole).execute();
        return running.getJobClient().orElseThrow().getJobExecutionResult().get().getNetRuntime();
    }

    private Nexmark() {}
}
