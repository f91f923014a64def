"""What a class session shows of students' skills: read, scored with evidence, summed up. Pure."""
